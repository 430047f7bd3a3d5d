// swift-tools-version:5.9
import PackageDescription

// On Apple's platforms the library comes as an XCFramework, which `make-xcframework.sh` builds here; elsewhere it is found
// by the linker: `swift test -Xlinker -L../../../target/release` after `cargo build --release -p blindtally-ffi`.
#if os(Linux)
let library: Target = .systemLibrary(name: "BlindtallyFFI", path: "Sources/BlindtallyFFI")
let linked: [LinkerSetting] = [.linkedLibrary("blindtally_ffi")]
#else
let library: Target = .binaryTarget(name: "BlindtallyFFI", path: "BlindtallyFFI.xcframework")
let linked: [LinkerSetting] = []
#endif

let package = Package(
    name: "Blindtally",
    platforms: [.iOS(.v13), .macOS(.v10_15)],
    products: [.library(name: "Blindtally", targets: ["Blindtally"])],
    targets: [
        library,
        .target(name: "Blindtally", dependencies: ["BlindtallyFFI"], linkerSettings: linked),
        .testTarget(name: "BlindtallyTests", dependencies: ["Blindtally"]),
    ]
)
