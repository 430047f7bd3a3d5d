import Foundation
import XCTest

@testable import Blindtally

/// The two ends, from the first ticket to the last epoch.
final class FlowTests: XCTestCase {
    /// A request that was made with a ticket.
    struct NotVerified: Error {}

    func enrolled(_ owner: Owner) throws -> Agent {
        let enrollment = try enroll(ticket: try owner.issueTicket(), name: "anna-laptop")
        guard case .verified(let request) = try owner.inspect(request: enrollment.request) else {
            throw NotVerified()
        }
        let outbox = try owner.approve(request: request).committed()
        return try enrollment.pending.accept(delivery: outbox.deliveries[0].message)
    }

    func opened() throws -> Owner {
        let password = Data("correct horse battery staple".utf8)
        return try createAccount(login: "anna@example.com", password: password, kdf: .pbkdf2(iterations: 600_000)).owner
    }

    func testATokenIsRevealedByItsOwnerAlone() throws {
        let owner = try opened()
        let agent = try enrolled(owner)
        let token = try agent.tokenize(tokenClass: .app, value: "winword.exe")
        XCTAssertTrue(token.hasPrefix("bt1_"))
        XCTAssertEqual(try agent.tokenizeMany(tokenClass: .app, values: ["winword.exe"]), [token])
        XCTAssertEqual(try owner.reveal(token: token), "winword.exe")
        XCTAssertThrowsError(try opened().reveal(token: token)) { error in
            XCTAssertEqual((error as? BlindtallyError)?.code, "reveal.tampered")
        }
    }

    func testEveryCodeIsListedWithItsSentence() {
        let codes = errorCodes()
        XCTAssertEqual(codes.map(\.code), codes.map(\.code).sorted())
        XCTAssertTrue(codes.contains { $0.code == "tokenize.too-long" })
        XCTAssertTrue(codes.allSatisfy { !$0.detail.isEmpty })
    }

    func testARevokedAgentSealsNothing() throws {
        let owner = try opened()
        let agent = try enrolled(owner)
        let outbox = try owner.revoke(device: try agent.deviceId()).committed()
        XCTAssertEqual(try agent.applyPolicy(policy: try XCTUnwrap(outbox.policy)), .revoked)
        XCTAssertThrowsError(try agent.tokenize(tokenClass: .app, value: "winword.exe")) { error in
            XCTAssertEqual((error as? BlindtallyError)?.code, "agent.revoked")
        }
    }

    func testWhatWasWipedSaysSo() throws {
        let owner = try opened()
        owner.wipe()
        XCTAssertThrowsError(try owner.account()) { error in
            XCTAssertEqual((error as? BlindtallyError)?.code, "binding.closed")
        }
    }

    func testABlobIsOpenedAnywhere() throws {
        let owner = try opened()
        let agent = try enrolled(owner)
        let content = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        let blob = try agent.sealBlob(blobClass: .screenshot, content: content)
        XCTAssertEqual(try owner.openingKeys().openBlob(blob: blob), content)
        let file = try owner.openingKeys().blobFile(input: DataInput(blob))
        XCTAssertEqual(file.length(), 100_000)
        XCTAssertEqual(try file.readAt(offset: 99_990, most: 100), content.suffix(10))
        XCTAssertThrowsError(try owner.openingKeys().openBlob(blob: blob.dropLast())) { error in
            XCTAssertEqual((error as? BlindtallyError)?.code, "blob.truncated")
        }
    }
}
