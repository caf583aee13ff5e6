//! What a process did to files, from the output of `strace -f -xx`.

use std::collections::HashMap;

/// The calls that are traced.
pub(crate) const CALLS: &str = "trace=openat,open,creat,close,write,pwrite64,writev,lseek,fsync,fdatasync,sync,\
     syncfs,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,\
     ftruncate,truncate,fallocate,copy_file_range,sendfile,dup,dup2,dup3,io_uring_setup";

/// A call that has succeeded.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) result: i64,
    /// How many calls had ended when it began: those are what a sync covers.
    pub(crate) began: usize,
}

/// An argument: text between quotes, or anything else.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Bytes(Vec<u8>),
    Word(String),
}

impl Argument {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Word(word) => panic!("no bytes: {word}"),
        }
    }

    pub(crate) fn path(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("a path")
    }

    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Bytes(_) => panic!("bytes"),
        }
    }

    pub(crate) fn number(&self) -> i64 {
        self.word().parse().unwrap_or_else(|_| panic!("no number: {}", self.word()))
    }
}

/// Reads a trace: successful calls in the order in which they ended.
pub(crate) fn read(text: &str) -> Vec<Call> {
    let (mut calls, mut begun) = (Vec::new(), HashMap::new());
    for line in text.lines() {
        let Some((process, rest)) = line.trim_start().split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(head) = rest.strip_suffix("<unfinished ...>") {
            // Its number is free as soon as a close begins, and another thread may get it.
            if head.starts_with("close(") {
                calls.extend(call(&format!("{}) = 0", head.trim_end()), calls.len()));
                continue;
            }
            begun.insert(process.to_owned(), (head.trim_end().to_owned(), calls.len()));
            continue;
        }
        if rest.starts_with("<... close resumed>") {
            continue;
        }
        let (whole, began) = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (head, began) = begun.remove(process).expect("a call that has begun");
                let (_, tail) = resumed.split_once(" resumed>").expect("a resumed call");
                (head + tail, began)
            }
            None => (rest.to_owned(), calls.len()),
        };
        calls.extend(call(&whole, began));
    }
    calls
}

fn call(line: &str, began: usize) -> Option<Call> {
    let (call, result) = line.rsplit_once(" = ")?;
    let result: i64 = result.split_whitespace().next()?.parse().ok()?;
    if result < 0 {
        return None;
    }
    let (name, arguments) = call.split_once('(')?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call { name: name.to_owned(), arguments: split(arguments), result, began })
}

/// Splits arguments. With `-xx` text between quotes holds no quotes and no commas.
fn split(arguments: &str) -> Vec<Argument> {
    let argument = |text: &str| {
        let text = text.trim();
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(quoted) => Argument::Bytes(unescape(quoted)),
            None => Argument::Word(text.to_owned()),
        }
    };
    arguments.split(',').map(argument).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let digit =
        |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("hex");
    let bytes = text.as_bytes().chunks_exact(4);
    assert!(bytes.remainder().is_empty(), "text is written as \\x..");
    bytes.map(|escape| digit(escape[2]) << 4 | digit(escape[3])).collect()
}
