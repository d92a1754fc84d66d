//! The view on a whole screen, in a terminal made for the test: what is drawn, and that the terminal is given back however it ends.
#![cfg(unix)]

mod support;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{outcome, pipeline, run, stderr, workplace};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A program in a terminal of its own.
struct Seen {
    child: Child,
    /// The end that a person sits at.
    person: File,
    program: File,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Seen {
    fn start(folder: &std::path::Path, args: &[&str], (rows, columns): (u16, u16)) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
        let program = OpenOptions::new().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&program, size(rows, columns)).unwrap();
        let end = || Stdio::from(OwnedFd::from(program.try_clone().unwrap()));
        let mut command = pipeline(folder, args);
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(Stdio::piped()).spawn().unwrap();
        let person = File::from(person);
        let (mut reader, text) = (person.try_clone().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let shown = text.clone();
        // Ends with the test: the program's end of the terminal stays open here, so that its settings can be looked at.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, person, program, text }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Waits until `words` were drawn.
    fn wait_for(&self, words: &str) {
        let began = Instant::now();
        while !self.text().contains(words) {
            assert!(began.elapsed() < Duration::from_secs(60), "{words:?} was never drawn: {:?}", self.text());
            std::thread::yield_now();
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; the exit code and standard error, once the screen was left and the terminal is as it was.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = self.child.wait().unwrap().code();
        self.wait_for(LEAVE);
        let text = self.text();
        assert!(text.find(ENTER) < text.rfind(LEAVE) && text.rfind("\u{1b}[?25h") > text.rfind("\u{1b}[?25l"), "{text:?}");
        let modes = tcgetattr(&self.program).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        (code, said)
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

const LONG: [&str; 7] = ["run", "shapes.toml", "--tui", "--workers", "2", "--set", "train.epochs=100000"];

#[test]
fn a_run_is_drawn_and_ends_with_the_ordinary_summary_and_outcome() {
    let place = workplace(12);
    let args = ["run", "shapes.toml", "--tui", "--out", "seen", "--set", "train.epochs=40"];
    let (code, said) = Seen::start(place.path(), &args, (30, 100)).ends();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("epoch 40/40") && said.contains("test         loss") && said.contains("done in"), "{said}");
    run(place.path(), &["run", "shapes.toml", "--quiet", "--out", "plain", "--set", "train.epochs=40"], 0);
    assert_eq!(outcome(&place.path().join("seen")), outcome(&place.path().join("plain")));
}

#[test]
fn the_q_key_stops_a_run_as_ctrl_c_does() {
    let place = workplace(12);
    let mut seen = Seen::start(place.path(), &[&LONG[..], &["--out", "out"]].concat(), (30, 100));
    ["images/s", "queue", "limits", "accuracy"].iter().for_each(|words| seen.wait_for(words));
    assert!(!seen.text().contains("\u{1b}[38;") && !seen.text().contains("\u{1b}[33m"), "NO_COLOR is set");
    seen.person.write_all(b"q").unwrap();
    let (code, said) = seen.ends();
    assert!(code == Some(130) && said.contains("go on with: pipeline run"), "{code:?} {said}");
    assert!(place.path().join("out/checkpoint").is_file());
}

#[test]
fn a_signal_stops_it_and_a_second_one_ends_it_and_the_terminal_is_given_back() {
    let place = workplace(12);
    let seen = Seen::start(place.path(), &[&LONG[..], &["--out", "one"]].concat(), (10, 40));
    seen.wait_for("images/s");
    // A window that changes while something is drawn.
    for (rows, columns) in [(1, 1), (60, 200), (3, 7), (24, 80)] {
        tcsetwinsize(&seen.program, size(rows, columns)).unwrap();
        seen.signal(rustix::process::Signal::WINCH);
    }
    seen.wait_for("checkpoint, stop");
    seen.signal(rustix::process::Signal::TERM);
    let (code, said) = seen.ends();
    assert!(code == Some(143) && said.contains("go on with"), "{code:?} {said}");
    let seen = Seen::start(place.path(), &[&LONG[..], &["--out", "two"]].concat(), (24, 80));
    seen.wait_for("images/s");
    seen.signal(rustix::process::Signal::TERM);
    seen.signal(rustix::process::Signal::TERM);
    assert_eq!(seen.ends().0, Some(143));
}

#[test]
fn an_error_leaves_the_screen_before_it_is_told() {
    let place = workplace(12);
    let args = ["run", "shapes.toml", "--tui", "--out", "out", "--no-self-check", "--set", "train.learning_rate=1e30"];
    let (code, said) = Seen::start(place.path(), &[&args[..], &["--set", "train.optimizer=sgd"]].concat(), (24, 80)).ends();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("error: "), "{said}");
}

#[test]
fn without_a_terminal_it_is_refused_before_anything_happens() {
    let place = workplace(12);
    let refused = stderr(&run(place.path(), &["run", "shapes.toml", "--tui"], 2));
    assert!(refused.contains("--tui needs a terminal") && refused.contains("leave --tui out"), "{refused}");
    assert!(!place.path().join("runs").exists());
    run(place.path(), &["run", "shapes.toml", "--tui", "--json"], 2);
}
