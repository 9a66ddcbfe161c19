//! Programs under callgrind, a tool of valgrind: it counts each instruction and each call.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use outpost_tests::parts::find;

/// How callgrind is run. Nothing that is printed names a line or stands for another text.
pub(crate) const OPTIONS: [&str; 4] =
    ["--tool=callgrind", "--compress-strings=no", "--dump-line=no", "--dump-instr=no"];

/// What the C library is asked for memory by.
const LIBC: [&str; 6] =
    ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

/// What code in Rust is, whichever allocator a program has.
const RUST: [&str; 3] =
    ["__rustc::__rust_alloc", "__rustc::__rust_alloc_zeroed", "__rustc::__rust_realloc"];

/// What a program has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) instructions: u64,
    /// Calls of the C library's allocator.
    pub(crate) libc: u64,
    /// Calls of Rust's. Optimised code may have none: they are compiled in.
    pub(crate) rust: u64,
}

impl Counted {
    /// Reads what callgrind has written.
    pub(crate) fn read(text: &str) -> Self {
        let mut counted = Self { instructions: 0, libc: 0, rust: 0 };
        let mut called = "";
        for line in text.lines() {
            if let Some(sum) = line.strip_prefix("summary: ") {
                counted.instructions = sum.parse().expect("a number");
            } else if let Some(name) = line.strip_prefix("cfn=") {
                called = name;
            } else if let Some(calls) = line.strip_prefix("calls=") {
                let calls = calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok());
                let calls = calls.expect("a number of calls");
                if LIBC.contains(&called) {
                    counted.libc += calls;
                } else if RUST.contains(&called) {
                    counted.rust += calls;
                }
            }
        }
        counted
    }

    /// Reads the file, and keeps it where `KEEP_CALLGRIND` names a folder: `callgrind_annotate
    /// --inclusive=yes` tells from it what costs what.
    pub(crate) fn of(file: &Path) -> Self {
        if let (Some(folder), Some(name)) = (std::env::var_os("KEEP_CALLGRIND"), file.file_name()) {
            std::fs::copy(file, Path::new(&folder).join(name)).expect("KEEP_CALLGRIND: a folder");
        }
        // Names of functions of others may be anything.
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        Self::read(&String::from_utf8_lossy(&bytes))
    }
}

/// Runs a program to its end; what it has done is written to `file`.
pub(crate) fn run(file: &Path, program: &OsStr, arguments: &[&str]) -> Counted {
    let mut command = Command::new(find("valgrind"));
    command.args(OPTIONS).arg(format!("--callgrind-out-file={}", file.display()));
    let ended = command.arg(program).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Counted::of(file)
}

#[test]
fn instructions_and_allocations_are_read_from_what_callgrind_writes() {
    let text = "version: 1\nevents: Ir\nsummary: 12345\n\nfn=main\n0 7\ncfn=malloc\ncalls=3 0 \n0 90\n\
        cfn=app::malloc\ncalls=5 0\n0 1\ncfn=calloc\ncalls=1 0\n0 1\ncfn=free\ncalls=4 0\n0 1\n\
        fn=malloc\n0 80\ncfn=__rustc::__rust_alloc\ncalls=20 0\n0 1\n\
        cfn=__rustc::__rust_dealloc\ncalls=20 0\n0 1\ncfn=__rustc::__rust_realloc\ncalls=2 0\n0 1\n\
        totals: 12345\n";
    let counted = Counted { instructions: 12345, libc: 4, rust: 22 };
    assert_eq!(Counted::read(text), counted);
}
