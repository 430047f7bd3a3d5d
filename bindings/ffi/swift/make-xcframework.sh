#!/bin/sh
# Builds BlindtallyFFI.xcframework, on a Mac with Xcode and rustup:
#
#   BlindtallyFFI.xcframework/Info.plist
#   BlindtallyFFI.xcframework/ios-arm64/{libblindtally_ffi.a,Headers/}
#   BlindtallyFFI.xcframework/ios-arm64_x86_64-simulator/{libblindtally_ffi.a,Headers/}
#   BlindtallyFFI.xcframework/macos-arm64_x86_64/{libblindtally_ffi.a,Headers/}
set -eu
cd "$(dirname "$0")"
root=../../..
for target in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin; do
    rustup target add "$target"
    cargo build --manifest-path "$root/Cargo.toml" --release --package blindtally-ffi --target "$target"
done
made="$root/target/xcframework"
rm -rf "$made" BlindtallyFFI.xcframework
mkdir -p "$made/simulator" "$made/macos" "$made/headers"
library() { echo "$root/target/$1/release/libblindtally_ffi.a"; }
lipo -create "$(library aarch64-apple-ios-sim)" "$(library x86_64-apple-ios)" -output "$made/simulator/libblindtally_ffi.a"
lipo -create "$(library aarch64-apple-darwin)" "$(library x86_64-apple-darwin)" -output "$made/macos/libblindtally_ffi.a"
cp Sources/BlindtallyFFI/BlindtallyFFI.h Sources/BlindtallyFFI/module.modulemap "$made/headers"
xcodebuild -create-xcframework \
    -library "$(library aarch64-apple-ios)" -headers "$made/headers" \
    -library "$made/simulator/libblindtally_ffi.a" -headers "$made/headers" \
    -library "$made/macos/libblindtally_ffi.a" -headers "$made/headers" \
    -output BlindtallyFFI.xcframework
