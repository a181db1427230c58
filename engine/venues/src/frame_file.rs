//! One file of a log of frames, read block by block: a torn end is known from a file that was changed.

use std::io::Read as _;
use std::path::Path;

use crate::frame_line::{HEAD_BEGINS, LAYOUT, LogHead, LoggedFrame};
use crate::frame_log::FILE_BYTES_MAX;
use crate::frame_log_error::FrameLogError;

/// How a zstd frame begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A block unpacks to no more than this: one message of a venue over what makes a recorder write.
const BLOCK_BYTES_MAX: u64 = 64 << 20;

/// A longer file is none of a log.
const READ_BYTES_MAX: u64 = 4 * FILE_BYTES_MAX;

/// The end of a file that a kill or a full disk cut; what stands before it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornEnd {
    /// The file.
    pub file: String,
    /// Bytes before it.
    pub whole_bytes: u64,
    /// Bytes that are no whole block.
    pub torn_bytes: u64,
}

impl core::fmt::Display for TornEnd {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { file, whole_bytes, torn_bytes } = self;
        write!(
            out,
            "{file}: its end is torn: {torn_bytes} bytes behind byte {whole_bytes} are no whole block; everything before is read"
        )
    }
}

/// A file that is read.
#[derive(Debug)]
pub(crate) struct FrameFile {
    name: String,
    bytes: Vec<u8>,
    /// Where the next block begins.
    next: usize,
    /// The block that is read, unpacked, and how far.
    block: Vec<u8>,
    read: usize,
    /// The line handed out last.
    line: u64,
    head: Option<LogHead>,
    torn: Option<TornEnd>,
}

impl FrameFile {
    /// Opens the file at `path` and reads its first line; one that was cut before its first block was whole has none.
    ///
    /// # Errors
    /// [`FrameLogError`] when it cannot be read, was changed, or is no file of a log.
    pub(crate) fn open(path: &Path) -> Result<Self, FrameLogError> {
        let name = path.display().to_string();
        let io = |source| FrameLogError::io("read", path, source);
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(io)?;
        let read = file.take(READ_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
        if read as u64 > READ_BYTES_MAX {
            let reason = format!("it has more than {READ_BYTES_MAX} bytes");
            return Err(FrameLogError::Foreign { file: name, reason });
        }
        let mut file =
            Self { name, bytes, next: 0, block: Vec::new(), read: 0, line: 0, head: None, torn: None };
        if file.bytes.is_empty() {
            file.torn = Some(TornEnd { file: file.name.clone(), whole_bytes: 0, torn_bytes: 0 });
            return Ok(file);
        }
        let Some(line) = file.next_line()?.map(<[u8]>::to_vec) else { return Ok(file) };
        file.head = Some(file.head_of(&line)?);
        Ok(file)
    }

    fn head_of(&self, line: &[u8]) -> Result<LogHead, FrameLogError> {
        let foreign = |reason: String| FrameLogError::Foreign { file: self.name.clone(), reason };
        if !line.starts_with(HEAD_BEGINS) {
            return Err(foreign("its first line does not begin with {\"frames\":".to_owned()));
        }
        let head: LogHead =
            serde_json::from_slice(line).map_err(|error| foreign(format!("its first line: {error}")))?;
        if head.frames != LAYOUT {
            let reason = format!("its layout is {}, and this program reads {LAYOUT}", head.frames);
            return Err(foreign(reason));
        }
        Ok(head)
    }

    /// What the file is about; nothing where it was cut before that.
    pub(crate) const fn head(&self) -> Option<&LogHead> {
        self.head.as_ref()
    }

    /// The name it has in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The end, where it is torn; known once everything before is read.
    pub(crate) const fn torn(&self) -> Option<&TornEnd> {
        self.torn.as_ref()
    }

    /// The line handed out last, counted from 1.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`FrameLogError`] for a block that was changed, or a line that is no frame.
    pub(crate) fn next_frame(&mut self) -> Result<Option<LoggedFrame>, FrameLogError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let read = LoggedFrame::read(line);
        read.map(Some).map_err(|reason| FrameLogError::Line {
            file: self.name.clone(),
            line: self.line,
            reason,
        })
    }

    fn next_line(&mut self) -> Result<Option<&[u8]>, FrameLogError> {
        while self.read >= self.block.len() {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        let rest = self.block.get(self.read..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let begin = self.read;
        self.read += length + 1;
        self.line += 1;
        Ok(self.block.get(begin..begin + length))
    }

    /// Unpacks the next block; says whether there is one.
    fn next_block(&mut self) -> Result<bool, FrameLogError> {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        if rest.is_empty() || self.torn.is_some() {
            return Ok(false);
        }
        let damaged = |reason: String| FrameLogError::Damaged {
            file: self.name.clone(),
            byte: self.next as u64,
            reason,
        };
        let begins_well = MAGIC.starts_with(rest.get(..4).unwrap_or(rest));
        if !begins_well {
            return Err(match self.next {
                0 => FrameLogError::Foreign { file: self.name.clone(), reason: "it is not zstd".to_owned() },
                _ => damaged("no block begins there".to_owned()),
            });
        }
        let Ok(length) = zstd::zstd_safe::find_frame_compressed_size(rest) else {
            if holds_whole_block(rest) {
                return Err(damaged("the block has no end, and others follow".to_owned()));
            }
            let (whole_bytes, torn_bytes) = (self.next as u64, rest.len() as u64);
            self.torn = Some(TornEnd { file: self.name.clone(), whole_bytes, torn_bytes });
            return Ok(false);
        };
        let packed = rest.get(..length).unwrap_or(rest);
        let mut block = Vec::new();
        let unpacked = zstd::Decoder::new(packed)
            .and_then(|decoder| decoder.take(BLOCK_BYTES_MAX + 1).read_to_end(&mut block));
        match unpacked {
            Ok(bytes) if bytes as u64 > BLOCK_BYTES_MAX => {
                return Err(damaged(format!("the block unpacks to more than {BLOCK_BYTES_MAX} bytes")));
            }
            Ok(_) => {}
            Err(error) => return Err(damaged(error.to_string())),
        }
        self.next += packed.len();
        (self.block, self.read) = (block, 0);
        Ok(true)
    }
}

/// Whether a whole block begins somewhere behind the beginning of `bytes`: then they are no torn end.
fn holds_whole_block(bytes: &[u8]) -> bool {
    let places = bytes.windows(4).enumerate().skip(1).filter(|(_, window)| *window == MAGIC);
    places
        .filter_map(|(place, _)| bytes.get(place..))
        .any(|rest| zstd::zstd_safe::find_frame_compressed_size(rest).is_ok())
}
