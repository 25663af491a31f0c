//! What was learned, on disk, so that an agent that begins again knows it before the first query.
//!
//! | file | what |
//! |---|---|
//! | `dns-cache` | everything at one moment, with its number. Written aside, synchronised, renamed |
//! | `dns-journal.N` | what changed since: one write for each group of answers, before they are enforced |
//!
//! What an agent has written is there after `kill -9`; after a failure of the machine the kernel enforces nothing either.
//! So the journal is not synchronised. When it has grown past the cache, a journal with the next number begins, and then
//! the cache is written anew with that number; journals below the cache's number count no more. Wherever the agent is killed in
//! between, cache and journals together say everything.
//!
//! A cache that is damaged counts as none, a journal up to where it is damaged. Both say of which version they are in their first
//! line, and count as none if that is another one: a record may mean something else there. All of that is said.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::{Record, read_line, write_line};

/// The version of the files.
const VERSION: u32 = 2;

/// A file that is larger is not read.
const LARGEST: u64 = 512 << 20;

/// A line that is longer is damaged: it holds at most the addresses of one message.
const LONGEST_LINE: u64 = 1 << 20;

/// A journal that is smaller is not worth a new cache.
const SMALLEST_JOURNAL: u64 = 1 << 20;

const CACHE: &str = "dns-cache";

const JOURNAL: &str = "dns-journal.";

/// The first line of a journal.
#[derive(Debug, Serialize, Deserialize)]
struct JournalHead {
    version: u32,
}

/// The first line of a cache.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    number: u64,
    /// How many lines follow, so that a cache that was cut is found.
    records: usize,
}

/// The files of one agent.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    journal: File,
    number: u64,
    written: u64,
    cache_bytes: u64,
}

/// What an agent finds.
#[derive(Debug, Default)]
pub struct Found {
    /// What was written down, in order.
    pub records: Vec<Record>,
    /// What is wrong with the files.
    pub warnings: Vec<String>,
}

/// A cache that is to be written.
#[derive(Debug)]
pub struct NewCache {
    folder: PathBuf,
    number: u64,
}

impl Disk {
    /// Reads what is there, and begins a journal.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or no file can be written in it.
    pub fn open(folder: &Path) -> io::Result<(Disk, Found)> {
        fs::create_dir_all(folder)?;
        let mut found = Found::default();
        let path = folder.join(CACHE);
        let (number, cache_bytes) = match read_cache(&path) {
            Ok((number, bytes, records)) => {
                found.records = records;
                (number, bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, 0),
            Err(error) => {
                found.warnings.push(format!("`{}` is not used: {error}", path.display()));
                (0, 0)
            }
        };
        let mut last = number;
        for journal in journals(folder)?.into_iter().filter(|journal| *journal >= number) {
            last = journal;
            let path = folder.join(format!("{JOURNAL}{journal}"));
            match read_journal(&path, &mut found.records) {
                Ok(()) => {}
                Err(JournalError::Foreign(error)) => {
                    found.warnings.push(format!("`{}` is not used: {error}", path.display()));
                }
                Err(JournalError::Damaged(error)) => {
                    found.warnings.push(format!("`{}` is used up to its damage: {error}", path.display()));
                }
            }
        }
        let number = last + 1;
        let journal = begin(folder, number)?;
        Ok((Disk { folder: folder.to_owned(), journal, number, written: 0, cache_bytes }, found))
    }

    /// Writes records down.
    ///
    /// # Errors
    ///
    /// They are not written, or not all.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(records.len() * 96);
        records.iter().for_each(|record| record.write(&mut lines));
        self.journal.write_all(&lines)?;
        self.written += lines.len() as u64;
        Ok(())
    }

    /// Whether the journal has grown so much that the cache should be written anew.
    pub fn is_long(&self) -> bool {
        self.written > self.cache_bytes.max(SMALLEST_JOURNAL)
    }

    /// Begins the next journal. What is known now has to be written with [`NewCache::write`].
    ///
    /// # Errors
    ///
    /// There is no next journal; the old one goes on.
    pub fn turn(&mut self) -> io::Result<NewCache> {
        let next = self.number + 1;
        self.journal = begin(&self.folder, next)?;
        self.number = next;
        self.cache_bytes = self.cache_bytes.max(self.written);
        self.written = 0;
        Ok(NewCache { folder: self.folder.clone(), number: next })
    }
}

impl NewCache {
    /// Writes the cache, and takes away the journals that it makes needless. It takes as long as the disk does.
    ///
    /// # Errors
    ///
    /// The old cache stays, with its journals.
    pub fn write(self, records: &[Record]) -> io::Result<()> {
        let aside = self.folder.join(format!("{CACHE}.new"));
        let mut lines = Vec::with_capacity(64 + records.len() * 96);
        write_line(&Head { version: VERSION, number: self.number, records: records.len() }, &mut lines);
        records.iter().for_each(|record| record.write(&mut lines));
        let mut file = File::create(&aside)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        fs::rename(&aside, self.folder.join(CACHE))?;
        File::open(&self.folder)?.sync_all()?;
        for journal in journals(&self.folder)?.into_iter().filter(|journal| *journal < self.number) {
            fs::remove_file(self.folder.join(format!("{JOURNAL}{journal}")))?;
        }
        Ok(())
    }
}

fn begin(folder: &Path, number: u64) -> io::Result<File> {
    // Where one could not be begun there may be a part of its first line.
    let mut journal = File::create(folder.join(format!("{JOURNAL}{number}")))?;
    let mut head = Vec::new();
    write_line(&JournalHead { version: VERSION }, &mut head);
    journal.write_all(&head)?;
    Ok(journal)
}

/// The numbers of the journals, in order.
fn journals(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix(JOURNAL)).and_then(|it| it.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn read_cache(path: &Path) -> io::Result<(u64, u64, Vec<Record>)> {
    let (bytes, mut reader) = open(path)?;
    let first = line(&mut reader)?.ok_or_else(|| damaged("it is empty"))?;
    let head: Head = read_line(&first).ok_or_else(|| damaged("its first line is damaged"))?;
    if head.version != VERSION {
        return Err(of_version(head.version));
    }
    let mut records = Vec::new();
    while let Some(line) = line(&mut reader)? {
        let number = records.len() + 2;
        records.push(Record::read(&line).ok_or_else(|| damaged(&format!("line {number} is damaged")))?);
    }
    if records.len() != head.records {
        return Err(damaged("it was cut"));
    }
    Ok((head.number, bytes, records))
}

fn of_version(version: u32) -> io::Error {
    damaged(&format!("it is of version {version}, and this is {VERSION}"))
}

/// What is wrong with a journal.
enum JournalError {
    /// It is none of this version.
    Foreign(io::Error),
    /// What follows some records cannot be read.
    Damaged(io::Error),
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> JournalError {
        JournalError::Damaged(error)
    }
}

fn read_journal(path: &Path, records: &mut Vec<Record>) -> Result<(), JournalError> {
    let (_, mut reader) = open(path)?;
    // Whoever was killed before the first line was written has written nothing.
    let Some(first) = line(&mut reader)? else { return Ok(()) };
    match read_line(&first) {
        Some(JournalHead { version: VERSION }) => {}
        Some(JournalHead { version }) => return Err(JournalError::Foreign(of_version(version))),
        None if Record::read(&first).is_some() => return Err(JournalError::Foreign(of_version(1))),
        None => return Err(JournalError::Damaged(damaged("its first line is damaged"))),
    }
    while let Some(line) = line(&mut reader)? {
        records.push(Record::read(&line).ok_or_else(|| damaged("a line is damaged"))?);
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<(u64, BufReader<File>)> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes > LARGEST {
        return Err(damaged("it is too large"));
    }
    Ok((bytes, BufReader::new(file)))
}

/// The next line without its end; none at the end of the file.
fn line(reader: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        None if read == 0 => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        _ => Err(damaged("a line has no end")),
    }
}

#[cfg(test)]
mod tests;
