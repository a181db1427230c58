//! What a program asked of the operating system, as `strace` writes it down.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Everything that changes a file or a folder, makes it last, or says where the next change goes. What this bed has no
/// model of is in the list as well, so that it is refused and not overlooked.
const CALLS: &str = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,\
     fsync,fdatasync,sync,syncfs,sync_file_range,msync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,\
     unlinkat,mkdir,mkdirat,rmdir,close,dup,dup2,dup3,fcntl,lseek,copy_file_range,sendfile,splice,mmap,chdir,fchdir,\
     chmod,fchmod,fchmodat,io_uring_setup,io_submit,close_range";

/// One call that succeeded. Calls of several threads overlap: each has the line on which it began and the one on which
/// it was over.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) answer: i64,
    pub(super) begun: usize,
    pub(super) done: usize,
}

impl Call {
    pub(super) fn argument(&self, place: usize) -> &str {
        self.arguments.get(place).unwrap_or_else(|| panic!("{self:?} has too few arguments"))
    }

    pub(super) fn number(&self, place: usize) -> u64 {
        self.argument(place).parse().unwrap_or_else(|_| panic!("{self:?}: no number"))
    }

    /// Every byte that it names in quotes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.arguments.iter().flat_map(|argument| quoted(argument)).collect()
    }

    /// A path, as it was given.
    pub(super) fn path(&self, place: usize) -> String {
        String::from_utf8(quoted(self.argument(place))).unwrap()
    }

    pub(super) fn has_flag(&self, place: usize, flag: &str) -> bool {
        self.argument(place).split('|').any(|word| word == flag)
    }
}

/// The bytes of the quoted texts in `text`, of which each is `\x` and two digits.
fn quoted(text: &str) -> Vec<u8> {
    assert!(!text.contains("\"..."), "strace has left bytes out: {}", &text[..text.len().min(80)]);
    let digits = text.split('"').skip(1).step_by(2).flat_map(|inside| inside.split("\\x").skip(1));
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

/// Puts `strace` before a program, which writes its calls to the file `log`. One call can be left out: that of `without`, a name and
/// the how manieth of it.
pub(super) fn traced(program: &Command, log: &Path, without: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "--seccomp-bpf", "-qq", "-xx", "-s", "16777216", "-e", "signal=none"]);
    command.arg("-e").arg(format!("trace={CALLS}")).arg("-o").arg(log);
    if let Some((name, number)) = without.and_then(|without| without.split_once(':')) {
        command.arg("-e").arg(format!("inject={name}:retval=0:when={number}"));
    }
    command.arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// The calls of a trace that succeeded, in the order in which they were over; of a `close` that overlaps others its beginning
/// counts, as its number can be given anew at once.
pub(super) fn calls(text: &str) -> Vec<Call> {
    let mut unfinished: BTreeMap<&str, (String, usize)> = BTreeMap::new();
    let mut calls = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let (thread, rest) = text.split_once(' ').unwrap_or_default();
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            if begun.starts_with("close(") {
                calls.extend(call(&format!("{begun}) = 0"), line, line));
            } else {
                unfinished.insert(thread, (begun.to_owned(), line));
            }
        } else if let Some((_, end)) =
            rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let begin = unfinished.remove(thread);
            calls.extend(begin.and_then(|(begin, begun)| call(&(begin + end), begun, line)));
        } else {
            calls.extend(call(rest, line, line));
        }
    }
    calls
}

fn call(text: &str, begun: usize, done: usize) -> Option<Call> {
    let (call, answer) = text.rsplit_once(" = ")?;
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    let answer = answer.split(' ').next()?;
    let answer = answer.strip_prefix("0x").map_or_else(
        || answer.parse().ok(),
        |digits| u64::from_str_radix(digits, 16).ok().map(u64::cast_signed),
    )?;
    // A call that strace has answered was not made.
    if answer < 0 || text.ends_with(" (INJECTED)") {
        return None;
    }
    Some(Call { name: name.to_owned(), arguments: split(arguments), answer, begun, done })
}

/// The arguments between commas that stand in no bracket.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0_u32);
    for letter in text.chars() {
        match letter {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(letter);
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

#[test]
fn calls_of_threads_that_overlap_are_put_together() {
    let text = "7 write(3, \"\\x61\\x2c\\x62\", 3 <unfinished ...>\n\
                8 close(4 <unfinished ...>\n\
                9 openat(AT_FDCWD, \"\\x66\", O_RDWR|O_CREAT, 0600) = 4\n\
                8 <... close resumed>) = 0\n\
                7 <... write resumed>) = 3\n\
                7 openat(AT_FDCWD, \"\\x66\", O_RDONLY) = -1 ENOENT (No such file or directory)\n\
                7 writev(3, [{iov_base=\"\\x61\", iov_len=1}, {iov_base=\"\\x62\", iov_len=1}], 2) = 2\n";
    let calls = calls(text);
    let names: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.begun, call.done)).collect();
    assert_eq!(names, [("close", 1, 1), ("openat", 2, 2), ("write", 0, 4), ("writev", 6, 6)]);
    assert_eq!((calls[2].bytes(), calls[3].bytes()), (b"a,b".to_vec(), b"ab".to_vec()));
    assert!(calls[1].has_flag(2, "O_CREAT") && calls[1].path(1) == "f");
}
