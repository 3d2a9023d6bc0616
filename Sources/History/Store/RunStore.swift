/// Where the figures of runs are kept.
///
/// A store is a cache of the result folders (and, with a server, of those of the whole team): it can be made anew from them.
package protocol RunStore {
  /// The stamps of the runs that are kept, by run id.
  func stamps() throws(RunStoreError) -> [String: Int64]
  /// - Parameter stamp: Says whether a run's summary has changed since; compared for equality only.
  func save(_ run: RunFigures, stamp: Int64) throws(RunStoreError)
  func forget(runID: String) throws(RunStoreError)
  /// Ascending by start.
  func runs() throws(RunStoreError) -> [RunFigures]
}

/// A store that cannot be read or written; a phrase without values of runs or passwords.
package struct RunStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
