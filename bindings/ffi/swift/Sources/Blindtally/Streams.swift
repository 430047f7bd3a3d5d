import Foundation

/// Files and memory as what seals and opens reads from and writes to.

/// Writes to a file handle; closing that stays the caller's.
public final class FileOutput: Output, @unchecked Sendable {
    private let handle: FileHandle

    /// Writes from where the handle stands.
    public init(_ handle: FileHandle) {
        self.handle = handle
    }

    public func write(bytes: Data) throws {
        do {
            try handle.write(contentsOf: bytes)
        } catch {
            throw StreamError.Failed(reason: error.localizedDescription)
        }
    }
}

/// Reads from a file handle, in order or anywhere; closing that stays the caller's. One call at a time.
public final class FileInput: Input, RandomInput, @unchecked Sendable {
    private let handle: FileHandle

    /// Reads in order from where the handle stands, and anywhere from its beginning.
    public init(_ handle: FileHandle) {
        self.handle = handle
    }

    public func read(most: Int32) throws -> Data {
        do {
            return try handle.read(upToCount: Int(most)) ?? Data()
        } catch {
            throw StreamError.Failed(reason: error.localizedDescription)
        }
    }

    public func length() throws -> Int64 {
        do {
            return Int64(try handle.seekToEnd())
        } catch {
            throw StreamError.Failed(reason: error.localizedDescription)
        }
    }

    public func readAt(offset: Int64, most: Int32) throws -> Data {
        do {
            try handle.seek(toOffset: UInt64(offset))
        } catch {
            throw StreamError.Failed(reason: error.localizedDescription)
        }
        return try read(most: most)
    }
}

/// Reads bytes in memory, anywhere.
public final class DataInput: RandomInput, Sendable {
    private let data: Data

    public init(_ data: Data) {
        self.data = data
    }

    public func length() -> Int64 {
        Int64(data.count)
    }

    public func readAt(offset: Int64, most: Int32) -> Data {
        let start = min(Int(offset), data.count)
        let end = min(start + Int(most), data.count)
        return data.subdata(in: data.startIndex + start..<data.startIndex + end)
    }
}
