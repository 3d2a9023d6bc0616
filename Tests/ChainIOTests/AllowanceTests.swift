import ChainIO
import CLinux
import Glibc
import Testing

/// What the kernel says about the processors that we may use.
@Suite struct AllowanceTests {
  /// Files under a folder of their own, which goes away afterwards.
  private func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/chainrun-cgroup-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var folders: [String] = []
    for (path, text) in files {
      var made = root
      for part in path.split(separator: "/").dropLast() {
        made += "/" + part
        if mkdir(made, 0o700) == 0 { folders.append(made) }
      }
      let file = try #require(fopen("\(root)/\(path)", "w"))
      fputs(text, file)
      fclose(file)
    }
    defer {
      for path in files.keys { unlink("\(root)/\(path)") }
      for folder in folders.sorted(by: { $0.utf8.count > $1.utf8.count }) { rmdir(folder) }
      rmdir(root)
    }
    try body(root)
  }

  @Test func `version 2: the tightest quota on the way up counts`() throws {
    try withFiles([
      "a/cpu.max": "max 100000\n", "a/b/cpu.max": "150000 100000\n", "a/b/c/cpu.max": "400000 100000\n",
      "a/b/cpu.stat": "usage_usec 900\nnr_periods 4\nnr_throttled 2\nthrottled_usec 1500\n", "a/b/c/cpu.stat": "throttled_usec 0\n",
    ]) { root in
      let groups = ControlGroups(root: root, membership: "0::/a/b/c\n")
      #expect(groups.quota == 1.5)
      #expect(groups.throttledNanoseconds == 1_500_000)
    }
  }

  @Test func `version 1: its controller may be mounted under its name or beside others`() throws {
    let files = [
      "cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n", "x/cpu.cfs_quota_us": "50000\n", "x/cpu.cfs_period_us": "100000\n",
      "x/cpu.stat": "nr_periods 10\nnr_throttled 3\nthrottled_time 7000000\n",
    ]
    for mount in ["cpu", "cpu,cpuacct"] {
      try withFiles(Dictionary(uniqueKeysWithValues: files.map { ("\(mount)/\($0)", $1) })) { root in
        let groups = ControlGroups(root: root, membership: "9:name=systemd:/\n4:cpu,cpuacct:/x\n0::/\n")
        #expect(groups.quota == 0.5)
        #expect(groups.throttledNanoseconds == 7_000_000)
      }
    }
  }

  @Test func `in a container the path of the host leads nowhere, and the root is its own`() throws {
    try withFiles(["cpu.max": "200000 100000\n"]) { root in
      #expect(ControlGroups(root: root, membership: "0::/docker/0123456789ab\n").quota == 2)
    }
  }

  @Test func `without a quota there is none, and this machine's own answer makes sense`() throws {
    try withFiles(["cpu.max": "max 100000\n"]) { #expect(ControlGroups(root: $0, membership: "0::/\n").quota == nil) }
    #expect(ControlGroups(root: "/nonexistent", membership: "garbage\n::\n7:cpu\n").quota == nil)
    let allowance = CPUAllowance()
    #expect(allowance.cpus > 0 && allowance.cpus <= 8192)
  }

  @Test func `steal is that of the processors that we may use`() {
    let text = """
      cpu  10 0 10 100 0 0 0 90 0 0
      cpu0 5 0 5 50 0 0 0 10 0 0
      cpu1 5 0 5 50 0 0 0 80 0 0
      intr 1 2 3
      cpu2 of another section
      """
    #expect(CPUAllowance.stealNanoseconds(text) { _ in true } == 450_000_000)
    #expect(CPUAllowance.stealNanoseconds(text) { $0 == 0 } == 100_000_000)
    #expect(CPUAllowance.stealNanoseconds(text) { $0 == 7 } == 0)
    #expect(CPUAllowance.stealNanoseconds("") { _ in true } == 0)
  }

  /// The bytes lie in the kernel for as long as nobody reads: the known truth is how long we wait before we do.
  @Test func `a read tells how long its bytes have waited for it`() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(listener, $0, length) }
    }
    listen(listener, 1)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(listener, $0, &length) }
    }
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, length) } } == 0)
    let server = accept(listener, nil, nil)
    defer { for descriptor in [listener, client, server] { close(descriptor) } }
    try #require(clinux_enable_receive_stamps(server) == 0)

    var reads = ObserverReads()
    var byte: UInt8 = 1
    func readAfter(milliseconds: UInt32) throws {
      try #require(write(client, &byte, 1) == 1)
      usleep(milliseconds * 1000)
      var arrived: Int64 = 0
      var buffer = [UInt8](repeating: 0, count: 10)
      try #require(clinux_receive_stamped(server, &buffer, 10, &arrived) == 1)
      try #require(arrived != 0, "the kernel gave no stamp")
      reads.read(arrived: arrived, now: WallClock.now)
    }
    // The kernel begins to stamp a moment after it was asked to (netstamp_needed is switched on by a work item).
    usleep(50_000)
    try readAfter(milliseconds: 30)
    #expect(reads.count == 1 && reads.late == 1)
    #expect(reads.longestNanoseconds >= 29_000_000)
    let before = reads.longestNanoseconds
    reads.read(arrived: 1_000_000_000, now: 1_001_000_000)
    reads.read(arrived: 1_000_000_000, now: 999_000_000)
    #expect(reads == { var same = reads; same.count = 3; same.late = 1; same.longestNanoseconds = before; return same }())
  }
}
