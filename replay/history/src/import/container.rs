//! Files and archives opened as plain text, streamed, with limits that stop decompression bombs.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use journal_store::record::RecordKind;

use super::arrow_text::ArrowText;
use super::error::ImportError;
use super::expansion::{EXPANSION_MAX, expanded_bytes_max};
use super::format::Format;
use super::origin::{self, Origin};
use super::parquet_text::ParquetText;

/// The most members an archive may have.
const MEMBERS_MAX: usize = 10_000;

const READ_BYTES: usize = 256 * 1024;

/// How the bytes of a file are packed, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Zip,
    Parquet,
    Arrow,
}

/// One table of rows: a file, or one member of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The file.
    pub(crate) path: PathBuf,
    /// How messages name it.
    pub(crate) name: String,
    packing: Packing,
    member: usize,
    pub(crate) origin: Origin,
}

/// Counts the bytes read from files, compressed as they are.
#[derive(Debug, Default)]
pub(crate) struct Meter(Cell<u64>);

impl Meter {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.get()
    }
}

struct Metered<'meter, R> {
    inner: R,
    meter: &'meter Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        self.meter.0.set(self.meter.0.get() + read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Refuses to go on once the output is absurdly larger than the input.
struct Bounded<'meter, R> {
    inner: R,
    meter: &'meter Meter,
    start: u64,
    declared: Option<u64>,
    produced: u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        self.produced += read as u64;
        let consumed = self.meter.bytes().saturating_sub(self.start);
        let allowed = expanded_bytes_max(consumed);
        if self.produced > allowed || self.declared.is_some_and(|declared| self.produced > declared) {
            return Err(io::Error::other(bomb(self.produced, consumed)));
        }
        Ok(read)
    }
}

fn bomb(produced: u64, consumed: u64) -> String {
    format!(
        "{consumed} compressed bytes become more than {produced}, over {EXPANSION_MAX} to one or more than the archive \
         declares: refused as a decompression bomb; unpack it yourself if you trust it"
    )
}

/// The tables in the file at `path`, called `name`, in the order of its archive; of those with several kinds the rows of `kind`.
///
/// # Errors
/// When it cannot be opened, is empty, or is packed in a way that is not read.
pub(crate) fn parts(path: &Path, name: String, kind: Option<RecordKind>) -> Result<Vec<Part>, ImportError> {
    let packing = packing(path, &name)?;
    let part = |name, member| Part { path: path.to_owned(), name, packing, member, origin: Origin::Table };
    if packing != Packing::Zip {
        return part(name, 0).told(kind).map(|part| vec![part]);
    }
    let meter = Meter::default();
    let mut archive = open_zip(path, &name, &meter)?;
    if archive.len() > MEMBERS_MAX {
        return Err(ImportError::file(
            name,
            format!("holds {} members; at most {MEMBERS_MAX} are read", archive.len()),
        ));
    }
    let mut parts = Vec::new();
    for member in 0..archive.len() {
        let file = archive.by_index_raw(member).map_err(|error| zip_error(&name, &error))?;
        let Some(table) = table_kind(file.name()) else { continue };
        let name = format!("{name}:{}", file.name());
        if file.size() > expanded_bytes_max(file.compressed_size()) {
            return Err(ImportError::file(name, bomb(file.size(), file.compressed_size())));
        }
        parts.push((table, part(name, member)));
    }
    if parts.is_empty() {
        return Err(ImportError::file(name, "the archive holds no .csv, .json or .npy file"));
    }
    drop(archive);
    let first = parts.iter().map(|(table, _)| *table).min();
    let parts = parts.into_iter().filter(|(table, _)| Some(*table) == first);
    parts.map(|(_, part)| part.told(kind)).collect()
}

/// The kinds of members that are read; where there are several, only those of the first.
const TABLES: [&str; 3] = ["csv", "npy", "json"];

/// The place of a member's kind in [`TABLES`].
fn table_kind(member: &str) -> Option<usize> {
    let hidden = member.starts_with("__MACOSX/")
        || member.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let extension = Path::new(member).extension().and_then(|extension| extension.to_str())?;
    if hidden { None } else { TABLES.iter().position(|table| extension.eq_ignore_ascii_case(table)) }
}

/// The name of a file without its folders.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn packing(path: &Path, name: &str) -> Result<Packing, ImportError> {
    let metadata = path.metadata().map_err(|source| ImportError::io("open", path, source))?;
    if metadata.is_dir() {
        return Err(ImportError::file(name, "is a directory; name the files in it"));
    }
    let file = File::open(path).map_err(|source| ImportError::io("open", path, source))?;
    let mut head = Vec::new();
    file.take(6).read_to_end(&mut head).map_err(|source| ImportError::io("read", path, source))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let found = match head.as_slice() {
        [] => return Err(ImportError::file(name, "the file is empty; fetch it again")),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            return Err(ImportError::file(name, "xz files are not read; unpack it with `xz -d` first"));
        }
        [b'B', b'Z', b'h', ..] => {
            return Err(ImportError::file(name, "bzip2 files are not read; unpack it with `bzip2 -d` first"));
        }
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Packing::Zip,
        [b'P', b'A', b'R', b'1', ..] => Packing::Parquet,
        [b'A', b'R', b'R', b'O', b'W', b'1'] => Packing::Arrow,
        [b'F', b'E', b'A', b'1', ..] => {
            return Err(ImportError::file(
                name,
                "feather files of version 1 are not read; write it anew as version 2",
            ));
        }
        _ => Packing::Plain,
    };
    let promised = match extension.to_ascii_lowercase().as_str() {
        "gz" => Packing::Gzip,
        "zst" => Packing::Zstd,
        "zip" | "npz" => Packing::Zip,
        "parquet" => Packing::Parquet,
        "feather" | "arrow" => Packing::Arrow,
        _ => found,
    };
    if promised != found {
        return Err(ImportError::file(
            name,
            format!("is named .{extension} but does not begin like one; fetch it again"),
        ));
    }
    Ok(found)
}

type Archive<'meter> = zip::ZipArchive<Metered<'meter, BufReader<File>>>;

fn open_zip<'meter>(path: &Path, name: &str, meter: &'meter Meter) -> Result<Archive<'meter>, ImportError> {
    let file = File::open(path).map_err(|source| ImportError::io("open", path, source))?;
    let inner = BufReader::with_capacity(READ_BYTES, file);
    zip::ZipArchive::new(Metered { inner, meter }).map_err(|error| zip_error(name, &error))
}

fn zip_error(name: &str, error: &zip::result::ZipError) -> ImportError {
    ImportError::file(name, format!("the archive cannot be read ({error}); fetch it again"))
}

impl Part {
    /// The part with what its bytes are.
    fn told(mut self, kind: Option<RecordKind>) -> Result<Self, ImportError> {
        self.origin = match self.packing {
            Packing::Arrow => Origin::Arrow,
            Packing::Parquet => {
                let file =
                    File::open(&self.path).map_err(|source| ImportError::io("open", &self.path, source))?;
                if parquet(file, &self.name)?.is_nautilus() { Origin::Nautilus } else { Origin::Parquet }
            }
            Packing::Plain | Packing::Gzip | Packing::Zstd | Packing::Zip => {
                // A file that breaks this early is told so with the right row when it is read.
                let head = self.read(&Meter::default(), |mut source| Ok(origin::head(&mut source)));
                let head = head?.unwrap_or_default();
                Origin::of(&self.path, &self.name, &head, kind)
                    .map_err(|reason| ImportError::file(&self.name, reason))?
            }
        };
        Ok(self)
    }

    /// Whose layout the bytes are of, where they alone tell it.
    pub(crate) const fn format(&self) -> Option<Format> {
        self.origin.format()
    }

    /// Runs `task` over the unpacked text, read as a stream in bounded memory.
    ///
    /// # Errors
    /// When it cannot be opened, and whatever `task` answers.
    pub(crate) fn read<T>(
        &self,
        meter: &Meter,
        task: impl FnOnce(Box<dyn Read + '_>) -> Result<T, ImportError>,
    ) -> Result<T, ImportError> {
        let start = meter.bytes();
        if self.packing == Packing::Zip {
            let mut archive = open_zip(&self.path, &self.name, meter)?;
            let member = archive.by_index(self.member).map_err(|error| zip_error(&self.name, &error))?;
            let declared = Some(member.size());
            return task(self.text(Box::new(Bounded {
                inner: member,
                meter,
                start,
                declared,
                produced: 0,
            }))?);
        }
        let file = File::open(&self.path).map_err(|source| ImportError::io("open", &self.path, source))?;
        match self.packing {
            Packing::Parquet => return task(Box::new(parquet(file, &self.name)?)),
            Packing::Arrow => {
                let text = ArrowText::open(file);
                let text = text
                    .map_err(|reason| ImportError::file(&self.name, format!("{reason}; fetch it again")))?;
                return task(Box::new(text));
            }
            Packing::Plain | Packing::Gzip | Packing::Zstd | Packing::Zip => {}
        }
        let raw = Metered { inner: file, meter };
        let text: Box<dyn Read> = match self.packing {
            Packing::Plain | Packing::Parquet | Packing::Arrow | Packing::Zip => {
                return task(self.text(Box::new(raw))?);
            }
            Packing::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, raw)))
            }
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::new(raw)
                    .map_err(|source| ImportError::io("unpack", &self.path, source))?;
                // A frame may ask for a window of gigabytes; real files stay within 128 MiB.
                decoder.window_log_max(27).map_err(|source| ImportError::io("unpack", &self.path, source))?;
                Box::new(decoder)
            }
        };
        task(self.text(Box::new(Bounded { inner: text, meter, start, declared: None, produced: 0 }))?)
    }

    fn text<'part>(&self, source: Box<dyn Read + 'part>) -> Result<Box<dyn Read + 'part>, ImportError> {
        self.origin.text(source).map_err(|reason| ImportError::file(&self.name, reason))
    }
}

/// The rows of a Parquet file as text.
fn parquet(file: File, name: &str) -> Result<ParquetText, ImportError> {
    ParquetText::open(file).map_err(|reason| ImportError::file(name, format!("{reason}; fetch it again")))
}

/// The BLAKE3 of the file at `path` and its size in bytes, read as a stream.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn digest(path: &Path) -> Result<([u8; 32], u64), ImportError> {
    let mut file = File::open(path).map_err(|source| ImportError::io("open", path, source))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0_u64;
    loop {
        let read = file.read(&mut buffer).map_err(|source| ImportError::io("read", path, source))?;
        if read == 0 {
            return Ok((*hasher.finalize().as_bytes(), size));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        size += read as u64;
    }
}
