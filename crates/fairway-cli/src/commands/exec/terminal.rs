//! The terminal of whoever runs the command: every key goes to the command, and the command knows its size.

#[cfg(unix)]
pub(super) use unix::{Raw, Sizes};

#[cfg(not(unix))]
pub(super) use elsewhere::{Raw, Sizes};

#[cfg(unix)]
mod unix {
    use rustix::stdio::{stdin, stdout};
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// A terminal that hands on every key; dropping this makes it what it was.
    pub(in crate::commands::exec) struct Raw(Termios);

    impl Raw {
        /// Nothing where there is no terminal.
        pub(in crate::commands::exec) fn enter() -> Option<Self> {
            let before = tcgetattr(stdin()).ok()?;
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Raw {
        fn drop(&mut self) {
            let _gone = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        }
    }

    /// The sizes of the terminal, from the first one on.
    pub(in crate::commands::exec) struct Sizes {
        changes: Option<Signal>,
        told: bool,
    }

    impl Sizes {
        pub(in crate::commands::exec) fn watch() -> Self {
            Self { changes: signal(SignalKind::window_change()).ok(), told: false }
        }

        /// Columns and rows.
        pub(in crate::commands::exec) async fn next(&mut self) -> Option<(u16, u16)> {
            if std::mem::replace(&mut self.told, true) {
                self.changes.as_mut()?.recv().await?;
            }
            let size = tcgetwinsize(stdout()).ok()?;
            Some((size.ws_col, size.ws_row))
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    pub(in crate::commands::exec) struct Raw;

    impl Raw {
        pub(in crate::commands::exec) fn enter() -> Option<Self> {
            None
        }
    }

    pub(in crate::commands::exec) struct Sizes;

    impl Sizes {
        pub(in crate::commands::exec) fn watch() -> Self {
            Self
        }

        pub(in crate::commands::exec) async fn next(&mut self) -> Option<(u16, u16)> {
            None
        }
    }
}
