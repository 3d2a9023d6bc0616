package import ChainProgram
package import Metrics

extension HopGuarantees {
  /// As the start record has them.
  package var promised: [GuaranteeInfo] {
    kinds.compactMap { kind in
      SessionGuarantee(rawValue: kind.rawValue).map { GuaranteeInfo($0, isRequired: self[kind] == .required) }
    }
  }
}
