/// How much one YAML file may ask for; what is above is a `limit-exceeded` finding and the file is not used.
package struct YAMLLimits: Sendable {
  package var fileBytes = 1 << 20
  /// Collections within collections, counted with aliases expanded.
  package var depth = 64
  /// Scalars and collections, counted with aliases expanded, so that a few nested aliases cannot become billions of nodes.
  package var nodes = 100_000
  /// Bytes of one scalar's text after escapes and folding.
  package var scalarBytes = 256 << 10
  /// Bytes of all scalars' texts, counted with aliases expanded.
  package var textBytes = 4 << 20

  package init() {}
}
