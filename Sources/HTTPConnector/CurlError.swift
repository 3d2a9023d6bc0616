internal import CCurl
import ChainIO
import Glibc

/// libcurl's results in our terms.
enum CurlError {
  /// - Parameters:
  ///   - wasSent: Whether the request, or a part of it, may have left.
  ///   - systemError: The errno of a failed connect; 0 if there is none.
  ///   - detail: What libcurl wrote about it; used for TLS only, where the result alone does not tell what is wrong with a certificate.
  static func error(_ code: CURLcode, wasSent: Bool, systemError: Int32, detail: String, address: String) -> OperationError {
    switch code {
    case CURLE_OPERATION_TIMEDOUT where !wasSent:
      return OperationError(.timeout, code: name(code), "cannot connect to \(address): no answer by the deadline")
    case CURLE_OPERATION_TIMEDOUT:
      return OperationError(.timeout, code: name(code), "no answer from \(address) in time")
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT:
      let reason = systemError != 0 ? String(cString: strerror(systemError)).lowercased() : text(code)
      return OperationError(.connect, code: name(code), "cannot connect to \(address): \(reason)")
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
      CURLE_USE_SSL_FAILED:
      let reason = detail.isEmpty ? text(code) : String(detail.prefix { $0 != "\n" }.prefix(200))
      return OperationError(.connect, code: name(code), "cannot connect to \(address): \(reason)")
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
      return OperationError(.disconnected, code: name(code), "\(address): \(text(code))")
    case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
      return OperationError(.environment, code: name(code), text(code))
    default:
      return OperationError(.protocol, code: name(code), "\(address): \(text(code))")
    }
  }

  /// libcurl's phrase for a result, with a small first letter.
  private static func text(_ code: CURLcode) -> String {
    let text = String(cString: curl_easy_strerror(code))
    let isAcronym = text.dropFirst().first?.isUppercase ?? false
    return isAcronym ? text : text.prefix(1).lowercased() + text.dropFirst()
  }

  /// The name in curl.h, which is what manuals and search engines know it by.
  static func name(_ code: CURLcode) -> String {
    switch code {
    case CURLE_UNSUPPORTED_PROTOCOL: "CURLE_UNSUPPORTED_PROTOCOL"
    case CURLE_URL_MALFORMAT: "CURLE_URL_MALFORMAT"
    case CURLE_COULDNT_RESOLVE_HOST: "CURLE_COULDNT_RESOLVE_HOST"
    case CURLE_COULDNT_CONNECT: "CURLE_COULDNT_CONNECT"
    case CURLE_WEIRD_SERVER_REPLY: "CURLE_WEIRD_SERVER_REPLY"
    case CURLE_PARTIAL_FILE: "CURLE_PARTIAL_FILE"
    case CURLE_WRITE_ERROR: "CURLE_WRITE_ERROR"
    case CURLE_OUT_OF_MEMORY: "CURLE_OUT_OF_MEMORY"
    case CURLE_OPERATION_TIMEDOUT: "CURLE_OPERATION_TIMEDOUT"
    case CURLE_SSL_CONNECT_ERROR: "CURLE_SSL_CONNECT_ERROR"
    case CURLE_ABORTED_BY_CALLBACK: "CURLE_ABORTED_BY_CALLBACK"
    case CURLE_GOT_NOTHING: "CURLE_GOT_NOTHING"
    case CURLE_SEND_ERROR: "CURLE_SEND_ERROR"
    case CURLE_RECV_ERROR: "CURLE_RECV_ERROR"
    case CURLE_SSL_CERTPROBLEM: "CURLE_SSL_CERTPROBLEM"
    case CURLE_PEER_FAILED_VERIFICATION: "CURLE_PEER_FAILED_VERIFICATION"
    case CURLE_SSL_CACERT_BADFILE: "CURLE_SSL_CACERT_BADFILE"
    case CURLE_FILESIZE_EXCEEDED: "CURLE_FILESIZE_EXCEEDED"
    default: "CURLE \(code.rawValue)"
    }
  }
}
