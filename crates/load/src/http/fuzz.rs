//! The parser of answers, for the fuzzer in `fuzz/`. Public, because a fuzzer is a program of its own; hidden, because it is
//! nobody's API.

use super::head::{self, BodyLength, Chunk};

/// The head of an answer and the chunks after it. What is read lies within what was given.
pub fn response(bytes: &[u8]) {
    let Ok(Some(head)) = head::parse(bytes) else { return };
    assert!(head.bytes <= bytes.len() && head.bytes > 0);
    let _ = head::find(&bytes[..head.bytes], "retry-after");
    if head.body != BodyLength::Chunked {
        return;
    }
    let mut rest = &bytes[head.bytes..];
    while let Ok(Some(chunk)) = head::chunk(rest) {
        match chunk {
            Chunk::Data { start, length } => {
                assert!(start > 0 && length > 0);
                rest = &rest[start + length + 2..];
            }
            Chunk::End { bytes } => {
                assert!(bytes <= rest.len());
                return;
            }
        }
    }
}
