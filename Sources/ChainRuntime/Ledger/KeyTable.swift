/// The ordering keys of an event, numbered as they come.
struct KeyTable: ~Copyable {
  private var table = EventIDTable()
  private(set) var keys: ContiguousArray<EventID> = []

  mutating func index(of key: EventID) -> Int {
    if let found = table.find(key) { return found }
    keys.append(key)
    table.insert(key, record: keys.count - 1)
    return keys.count - 1
  }
}
