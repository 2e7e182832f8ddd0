//! A disk that fails at each of its calls in turn, and in each way that there is; a file that was cut off at each of its
//! bytes.

use std::{
    fs,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use super::*;
use crate::{domain::Prompt, session::queue::Step};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Interrupted,
    /// One byte of what was to be written.
    Short,
    /// Not one.
    Nothing,
    /// Half of it, and then no more.
    Full,
    /// Nor can what was written be taken back.
    Dead,
}

#[derive(Debug, Default)]
struct Disk {
    calls: AtomicUsize,
    mended: AtomicBool,
}

#[derive(Debug)]
struct Failing {
    file: File,
    disk: Arc<Disk>,
    fault: Fault,
    /// The call that fails, and, where it is the disk that does, all after it.
    at: usize,
}

impl Failing {
    fn is_down(&self) -> bool {
        !self.disk.mended.load(Relaxed) && self.disk.calls.load(Relaxed) > self.at
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let call = self.disk.calls.fetch_add(1, Relaxed);
        if self.disk.mended.load(Relaxed) || call < self.at {
            return self.file.write(bytes);
        }
        match self.fault {
            Fault::Interrupted if call == self.at => Err(io::ErrorKind::Interrupted.into()),
            Fault::Short if call == self.at => self.file.write(&bytes[..1]),
            Fault::Interrupted | Fault::Short => self.file.write(bytes),
            Fault::Nothing => Ok(0),
            Fault::Full | Fault::Dead if call == self.at => self.file.write(&bytes[..bytes.len() / 2]),
            Fault::Full | Fault::Dead => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tape for Failing {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        match self.fault {
            Fault::Dead if self.is_down() => Err(io::Error::from_raw_os_error(libc::EIO)),
            _ => self.file.set_len(len),
        }
    }

    fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

fn id() -> SessionId {
    SessionId::parse("s").expect("a good id")
}

fn text(id: &str, part: bool, text: &str) -> AgentMessage {
    let content = Content::Text { text: text.into() };
    AgentMessage { id: id.into(), parent_id: None, timestamp: 1, part, content }
}

fn begun(folder: &Path) -> Journal {
    Journal::create(Some(folder), &header(id(), "demo", Path::new("/tmp"), 1)).expect("a journal")
}

/// Whole messages, a text in parts, what waits and what is set: six lines in seven calls at most.
fn write(journal: &mut Journal, mut after_each: impl FnMut(&mut Journal, usize)) {
    journal.append(&text("a", false, "one"));
    after_each(journal, 1);
    journal.append(&text("b", true, "tw"));
    journal.append(&text("b", true, "o"));
    journal.flush();
    after_each(journal, 2);
    journal.wait(&Step::Add { id: "q".into(), at: 0, prompt: Prompt::new("waits"), again: false });
    journal.stand(&Standing { model: "big".into(), ..Standing::default() });
    journal.append(&text("b", false, "two"));
    after_each(journal, 2);
    journal.append(&text("c", false, "three"));
    after_each(journal, 3);
}

const SAID: [&str; 3] = ["one", "two", "three"];

fn texts(messages: &[AgentMessage]) -> Vec<&str> {
    let said = messages.iter().map(|message| match &message.content {
        Content::Text { text } => text.as_str(),
        other => panic!("no text: {other:?}"),
    });
    said.collect()
}

/// The whole ones.
fn on_disk(folder: &Path) -> Vec<String> {
    let past = read(folder, &id()).expect("readable");
    let whole: Vec<AgentMessage> = past.messages.into_iter().filter(|message| !message.part).collect();
    texts(&whole).into_iter().map(str::to_owned).collect()
}

#[test]
fn whichever_write_fails_and_however_nothing_is_lost_or_doubled() {
    for fault in [Fault::Interrupted, Fault::Short, Fault::Nothing, Fault::Full, Fault::Dead] {
        let mut failed = 0;
        for at in 0..12 {
            let folder = tempfile::tempdir().expect("a folder");
            let disk = Arc::new(Disk::default());
            let lay = |file| Box::new(Failing { file, disk: Arc::clone(&disk), fault, at }) as Box<dyn Tape>;
            let mut journal = begun(folder.path()).through(lay);
            write(&mut journal, |journal, said| {
                let page = journal.page(0, u64::MAX);
                assert_eq!((texts(&page.messages), page.since), (SAID[..said].to_vec(), None), "{fault:?} at {at}");
            });
            let passes = matches!(fault, Fault::Interrupted | Fault::Short);
            if let Some(failure) = journal.failure() {
                assert!(!passes && failure.contains("cannot be written any more"), "{fault:?} at {at}: {failure}");
                failed += 1;
            }
            // What is on the disk meanwhile is the beginning, whatever of a line was begun.
            let kept = on_disk(folder.path());
            assert_eq!(kept, SAID[..kept.len()], "{fault:?} at {at}");
            disk.mended.store(true, Relaxed);
            journal.catch_up();
            assert_eq!(journal.failure(), None, "{fault:?} at {at}");
            assert_eq!(on_disk(folder.path()), SAID, "{fault:?} at {at}");
            let past = read(folder.path(), &id()).expect("readable");
            let told = (past.queue.len(), past.standing.map(|standing| standing.model), past.end);
            assert_eq!(told, (1, Some("big".to_owned()), journal.end()), "{fault:?} at {at}");
        }
        assert_eq!(failed > 0, !matches!(fault, Fault::Interrupted | Fault::Short), "{fault:?}: {failed} have failed");
    }
}

#[test]
fn a_journal_that_was_cut_off_anywhere_goes_on_behind_its_last_whole_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = begun(folder.path());
    let header = journal.end() as usize;
    write(&mut journal, |_, _| {});
    drop(journal);
    let path = path(folder.path(), &id());
    let all = fs::read(&path).expect("the file");
    for cut in header..=all.len() {
        fs::write(&path, &all[..cut]).expect("written");
        let (mut journal, past) = Journal::reopen(folder.path(), &id()).expect("it goes on");
        let before = past.messages.iter().filter(|message| !message.part).count();
        journal.append(&text("d", false, "four"));
        assert_eq!(journal.failure(), None);
        drop(journal);
        let now = on_disk(folder.path());
        assert_eq!((&now[..before], now[before..].join(" ").as_str()), (&SAID.map(str::to_owned)[..before], "four"));
    }
    for cut in 0..header - 1 {
        fs::write(&path, &all[..cut]).expect("written");
        let refused = Journal::reopen(folder.path(), &id()).expect_err("nobody knows what that is");
        assert!(matches!(refused, JournalError::Foreign { .. }), "cut at {cut}: {refused}");
        assert_eq!(fs::read(&path).expect("the file"), &all[..cut], "it is left alone");
    }
}
