use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The versions of kubectl that are used: those that `tests/run` found, or the one on the path. Oldest first.
#[must_use]
pub fn kubectls() -> Vec<PathBuf> {
    match std::env::var("KUBECTLS") {
        Ok(list) if !list.is_empty() => list.split(':').map(PathBuf::from).collect(),
        _ => vec![PathBuf::from("kubectl")],
    }
}

/// One kubectl with a kubeconfig.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    kubeconfig: PathBuf,
}

/// What a command printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its arguments, for messages.
    pub command: String,
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Kubectl {
    /// This program with this kubeconfig.
    #[must_use]
    pub fn new(program: &Path, kubeconfig: &Path) -> Self {
        let (flags, environment) = (Vec::new(), Vec::new());
        Self { program: program.to_owned(), flags, environment, kubeconfig: kubeconfig.to_owned() }
    }

    /// The same with another program.
    #[must_use]
    pub fn version(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// The same with another server.
    #[must_use]
    pub fn server(self, url: &str) -> Self {
        self.flag(&format!("--server={url}"))
    }

    /// The same as whoever has this token, and nothing of the kubeconfig's user.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.flag(&format!("--token={token}"))
    }

    /// The same with one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// The same with a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.input(args, "")
    }

    /// Runs a command with text on its standard input.
    ///
    /// # Panics
    /// The program cannot be started.
    #[must_use]
    pub fn input(&self, args: &[&str], text: &str) -> Output {
        self.begin(args, text).wait()
    }

    /// Begins a command that goes on for a while.
    ///
    /// # Panics
    /// The program cannot be started.
    #[must_use]
    pub fn spawn(&self, args: &[&str]) -> Running {
        self.begin(args, "")
    }

    fn begin(&self, args: &[&str], text: &str) -> Running {
        let mut child = Command::new(&self.program)
            .args(args)
            .args(&self.flags)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.kubeconfig.parent().unwrap_or(Path::new("/")))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that does not read its input closes it.
        let _ = stdin.write_all(text.as_bytes());
        Running { command: args.join(" "), child, printed: String::new() }
    }
}

/// A command that runs.
pub struct Running {
    command: String,
    child: Child,
    printed: String,
}

impl Running {
    /// Waits until it has printed something: a watch is there then.
    ///
    /// # Panics
    /// It ends without a word.
    #[must_use]
    pub fn begun(mut self) -> Self {
        let stdout = self.child.stdout.as_mut().expect("a pipe");
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("kubectl prints something");
        self.printed.push(char::from(byte[0]));
        self
    }

    /// Waits until it has printed this text, and whatever comes before it.
    ///
    /// # Panics
    /// It ends without having done so.
    #[must_use]
    pub fn until(mut self, text: &str) -> Self {
        let mut byte = [0];
        while !self.printed.contains(text) {
            let stdout = self.child.stdout.as_mut().expect("a pipe");
            stdout.read_exact(&mut byte).unwrap_or_else(|e| panic!("{text}: {e} after {}", self.printed));
            self.printed.push(char::from(byte[0]));
        }
        self
    }

    /// Ends it, and gives what it had printed when it was waited for last.
    ///
    /// # Panics
    /// It cannot be ended.
    #[must_use]
    pub fn stop(mut self) -> String {
        self.child.kill().expect("kubectl can be ended");
        self.child.wait().expect("kubectl ends");
        self.printed
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// It cannot be waited for.
    #[must_use]
    pub fn wait(self) -> Output {
        let output = self.child.wait_with_output().expect("kubectl ends");
        Output {
            command: self.command,
            code: output.status.code().unwrap_or(-1),
            stdout: self.printed + &String::from_utf8_lossy(&output.stdout),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Output {
    /// Whether it succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == 0
    }

    /// What it printed.
    ///
    /// # Panics
    /// It failed.
    pub fn success(self) -> String {
        assert!(
            self.is_ok(),
            "kubectl {} failed ({}):\n{}{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr
        );
        self.stdout
    }

    /// What it warned of although it succeeded.
    ///
    /// # Panics
    /// It failed.
    pub fn warnings(self) -> String {
        let warnings = self.stderr.clone();
        self.success();
        warnings
    }

    /// What it complained of.
    ///
    /// # Panics
    /// It succeeded.
    pub fn failure(self) -> String {
        assert!(!self.is_ok(), "kubectl {} succeeded:\n{}", self.command, self.stdout);
        self.stderr
    }
}
