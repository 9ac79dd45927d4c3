//! The text of a file, line by line: decompressed, hashed as it lies on the disk, free of byte order marks, and with a limit to
//! what counts as a line.

use super::RecordingError;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A line beyond this length is read to its end without being kept: what is no recording at all must not fill the memory. The
/// largest frames are order books of a hundred kilobytes.
pub(super) const LONGEST_LINE: u64 = 1 << 20;

/// U+FEFF in UTF-8: editors and spreadsheets put it where a text begins. In a joined file a text begins anywhere.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is read at once; the head of a file that is told apart lies within.
const BUFFER: usize = 1 << 17;

/// Reads a file to its end, each line that is not blank with its number, counted from 1. Returns the SHA-256 of the file.
///
/// A mark in the middle of a line ends the line: the first of two joined files lacked its last line break.
pub(super) fn each_line(
    path: &Path,
    mut take: impl FnMut(u64, Result<&[u8], LineTooLong>) -> Result<(), RecordingError>,
) -> Result<String, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = HashingReader {
        file: File::open(path).map_err(unreadable)?,
        hash: Sha256::new(),
    };
    let mut text = plain_text(&mut file, path)?;
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let read = text.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(unreadable)? == 0 {
            break;
        }
        number += 1;
        if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            text.skip_until(b'\n').map_err(unreadable)?;
            take(number, Err(LineTooLong))?;
            continue;
        }
        for piece in without_marks(&line) {
            let piece = piece.trim_ascii();
            if !piece.is_empty() {
                take(number, Ok(piece))?;
            }
        }
    }
    drop(text);
    // What stands behind the last member of a gzip file counts too.
    io::copy(&mut file, &mut io::sink()).map_err(unreadable)?;
    Ok(hex::encode(file.hash.finalize()))
}

/// Reads a small file whole.
pub(super) fn whole(path: &Path) -> Result<Vec<u8>, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    plain_text(&mut file, path)?
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// A line that is longer than [`LONGEST_LINE`].
#[derive(Debug, thiserror::Error)]
#[error("longer than {LONGEST_LINE} bytes")]
pub(super) struct LineTooLong;

/// The parts of a line between byte order marks.
fn without_marks(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        // Nearly every line is ASCII, where this is one quick look.
        let mark = line
            .contains(&BYTE_ORDER_MARK[0])
            .then(|| {
                line.windows(BYTE_ORDER_MARK.len())
                    .position(|bytes| bytes == BYTE_ORDER_MARK)
            })
            .flatten();
        let (piece, after) = match mark {
            Some(at) => (&line[..at], Some(&line[at + BYTE_ORDER_MARK.len()..])),
            None => (line, None),
        };
        rest = after;
        Some(piece)
    })
}

/// Decompresses where the file begins like gzip (RFC 1952), whatever its name ends with; refuses what is no text in UTF-8.
fn plain_text<'a>(file: &'a mut impl Read, path: &Path) -> Result<Box<dyn BufRead + 'a>, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = BufReader::with_capacity(BUFFER, file);
    let compressed = file.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
    let mut text: Box<dyn BufRead + 'a> = if compressed {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    match what_it_is(text.fill_buf().map_err(unreadable)?) {
        Some(what) => Err(RecordingError::NotTrades {
            path: path.to_owned(),
            what,
        }),
        None => Ok(text),
    }
}

/// What the first bytes of a file tell of one that is no text, and what to do with it.
fn what_it_is(head: &[u8]) -> Option<&'static str> {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let zero = |at: usize| head.get(at).map(|byte| *byte == 0);
    if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        Some("is a zip archive: unzip it first")
    } else if head.get(257..262) == Some(b"ustar") {
        Some("is a tar archive: unpack it first")
    } else if begins(b"\xfd7zXZ\0") || begins(b"\x28\xb5\x2f\xfd") || begins(b"BZh") || begins(b"7z\xbc\xaf\x27\x1c") {
        Some("is compressed in a way that is not read here (only gzip is): decompress it first")
    } else if begins(&[0x1f, 0x8b]) {
        Some("is compressed twice: decompress it once")
    } else if begins(&[0xff, 0xfe])
        || begins(&[0xfe, 0xff])
        // The same without its mark: every letter of the alphabet has a zero beside it.
        || matches!((zero(0), zero(1), zero(2), zero(3)), (Some(false), Some(true), Some(false), Some(true)))
        || matches!((zero(0), zero(1), zero(2), zero(3)), (Some(true), Some(false), Some(true), Some(false)))
    {
        Some("is text in UTF-16: save it as UTF-8")
    } else {
        None
    }
}

/// Hashes what is read through it.
struct HashingReader {
    file: File,
    hash: Sha256,
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
