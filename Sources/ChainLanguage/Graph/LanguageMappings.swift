/// The mappings of the language by the ids that the schema's definitions and the reference pages share.
enum LanguageMappings {
  typealias Mapping = (id: String, keys: [KeyShape])

  /// Those that are definitions of their own in the schema.
  static let definitions: [Mapping] = [
    ("guard", LanguageShapes.guarded.keys), ("secret", LanguageShapes.secret.keys), ("variable", LanguageShapes.variable.keys),
    ("feed", LanguageShapes.feed.keys), ("event", LanguageShapes.event.keys), ("flow", LanguageShapes.flow.keys),
    ("scenario", LanguageShapes.scenario.keys), ("profile", LanguageShapes.profile.keys), ("closed", LanguageShapes.closed.keys),
    ("open", LanguageShapes.open.keys), ("user_stage", LanguageShapes.userStage.keys),
    ("rate_stage", LanguageShapes.rateStage.keys), ("load_spike", LanguageShapes.spike.keys), ("load_steps", LanguageShapes.steps.keys),
    ("rate_curve", LanguageShapes.curve.keys), ("start_offset", LanguageShapes.startOffset.keys), ("pacing", LanguageShapes.pacing.keys),
    ("error_backoff", LanguageShapes.errorBackoff.keys), ("threshold", LanguageShapes.threshold.keys),
    ("alert", LanguageShapes.alert.keys), ("retry", LanguageShapes.retry.keys),
    ("backoff", LanguageShapes.backoff.keys), ("every", LanguageShapes.every.keys), ("elif", LanguageShapes.alternative.keys),
    // The names of these are those of verbs; their definitions are that of an entry, or of the long form.
    ("think", LanguageShapes.think.keys), ("branch", LanguageShapes.branch.keys), ("measure", LanguageShapes.measure.keys),
  ]

  /// All, as the tables of forms and the pages name them.
  static let all: [Mapping] =
    [
      ("chain", LanguageShapes.chain.keys), ("connection", LanguageShapes.connection.keys), ("hop", LanguageShapes.hop.keys),
      ("every step", LanguageShapes.stepCommon), ("connection step", LanguageShapes.operationCommon),
    ] + definitions + LanguageShapes.controlVerbs.map { ("step \($0.verb.name)", [$0.verb] + $0.keys) }
}
