//! What a built page weighs: as it is, and as servers send it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::Failure;

/// Brotli's best quality and the window that browsers accept (RFC 7932: 24 is the largest).
const BROTLI_QUALITY: i32 = 11;
const BROTLI_WINDOW: i32 = 22;
const BROTLI_BUFFER: usize = 64 * 1024;

/// The lengths of one file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sizes {
    raw: u64,
    /// `gzip -9`
    gzip: u64,
    /// `brotli -q 11`
    brotli: u64,
}

impl Sizes {
    fn of(content: &[u8]) -> io::Result<Self> {
        Ok(Self {
            raw: content.len() as u64,
            gzip: gzip_length(content)?,
            brotli: brotli_length(content)?,
        })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            raw: self.raw + other.raw,
            gzip: self.gzip + other.gzip,
            brotli: self.brotli + other.brotli,
        }
    }
}

/// A table of every file below a folder, by name, with the totals last.
pub(crate) fn table(folder: &Path) -> Result<String, Failure> {
    let unreadable = |error: io::Error| {
        Failure::because(format!(
            "{} cannot be read ({error}): build the page again",
            folder.display()
        ))
    };
    let mut rows = Vec::new();
    let mut total = Sizes::default();
    for path in files_below(folder).map_err(unreadable)? {
        let sizes = fs::read(&path).and_then(|content| Sizes::of(&content)).map_err(unreadable)?;
        total = total.plus(sizes);
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        rows.push((name, sizes));
    }
    rows.push(("total".to_owned(), total));
    Ok(rendered(&rows))
}

fn rendered(rows: &[(String, Sizes)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(4);
    let mut table =
        format!("{:width$} {:>11} {:>11} {:>11}\n", "file", "raw", "gzip -9", "brotli 11");
    for (name, sizes) in rows {
        // Writing into a string cannot fail.
        let _ = writeln!(
            table,
            "{name:width$} {:>11} {:>11} {:>11}",
            kilobytes(sizes.raw),
            kilobytes(sizes.gzip),
            kilobytes(sizes.brotli)
        );
    }
    table
}

/// Thousands of bytes with one decimal, rounded half up.
fn kilobytes(bytes: u64) -> String {
    let tenths = (bytes + 50) / 100;
    format!("{}.{} kB", tenths / 10, tenths % 10)
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn gzip_length(content: &[u8]) -> io::Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len() as u64)
}

fn brotli_length(content: &[u8]) -> io::Result<u64> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut encoder = CompressorWriter::with_params(Vec::new(), BROTLI_BUFFER, &parameters);
    encoder.write_all(content)?;
    encoder.flush()?;
    Ok(encoder.into_inner().len() as u64)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn repetition_is_compressed_and_the_raw_length_is_exact() {
        let sizes =
            Sizes::of(&b"the same line again\n".repeat(1_000)).expect("memory does not fail");
        assert_eq!(sizes.raw, 20_000);
        assert!(sizes.gzip < 200, "{sizes:?}");
        assert!(sizes.brotli < 60, "{sizes:?}");
    }

    #[test]
    fn thousands_of_bytes_are_rounded() {
        assert_eq!(kilobytes(0), "0.0 kB");
        assert_eq!(kilobytes(49), "0.0 kB");
        assert_eq!(kilobytes(50), "0.1 kB");
        assert_eq!(kilobytes(1_234_567), "1234.6 kB");
    }

    #[test]
    fn files_in_folders_are_listed_and_summed() {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir(folder.path().join("snippets")).expect("a folder");
        fs::write(folder.path().join("snippets/a.js"), vec![b' '; 1_000]).expect("a file");
        fs::write(folder.path().join("index.html"), vec![b' '; 2_000]).expect("a file");

        let table = table(folder.path()).expect("the folder is readable");

        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
        assert_eq!(
            rows,
            [["file", "raw"], ["index.html", "2.0"], ["snippets/a.js", "1.0"], ["total", "3.0"]]
        );
        let lengths: Vec<usize> = table.lines().map(str::len).collect();
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
    }
}
