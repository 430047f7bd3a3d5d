/// What every refusal carries, whichever operation it is of.
extension BlindtallyError {
    /// The stable code, the same in every language: "tokenize.too-long".
    public var code: String { parts.code }

    /// One sentence for people.
    public var detail: String { parts.detail }

    private var parts: (code: String, detail: String) {
        switch self {
        case .Malformed(let code, let detail), .Entropy(let code, let detail), .Tokenize(let code, let detail),
            .Reveal(let code, let detail), .Record(let code, let detail), .Blob(let code, let detail),
            .Archive(let code, let detail), .Credential(let code, let detail), .Unlock(let code, let detail),
            .Owner(let code, let detail), .Enrollment(let code, let detail), .Accept(let code, let detail),
            .State(let code, let detail), .Misuse(let code, let detail):
            return (code, detail)
        }
    }
}
