//! A copy of the running cluster, its archived log, and recovery from both to a point in between.

use std::fs::{self, File};

use super::cluster::Server;
use super::user::User;
use super::{Options, PostgresError, PrivatePostgres};

/// Settings of a cluster that archives its log beside its data. PostgreSQL runs the command in the data directory.
pub const ARCHIVING: [(&str, &str); 2] =
    [("archive_mode", "on"), ("archive_command", "mkdir -p ../archive && cp %p ../archive/%f")];

impl PrivatePostgres {
    /// Copies the running cluster with `pg_basebackup`, for [`Self::recover`].
    pub fn base_backup(&self) -> Result<(), PostgresError> {
        self.server.base_backup()
    }

    /// Throws the cluster's data away, takes the copy instead, and lets it replay the archived log up to a restore point.
    pub fn recover(&mut self, restore_point: &str) -> Result<(), PostgresError> {
        let mut options = self.options.clone();
        let target = [
            ("restore_command", "cp ../archive/%f %p"),
            ("recovery_target_name", restore_point),
            ("recovery_target_action", "promote"),
        ];
        options.settings.extend(target.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.server.recover(&options)
    }
}

impl Server {
    fn base_backup(&self) -> Result<(), PostgresError> {
        let mut copy = self.client("pg_basebackup");
        copy.args(["--checkpoint", "fast", "-D"]).arg(self.directory.join("base"));
        self.run("pg_basebackup", copy)
    }

    fn recover(&mut self, options: &Options) -> Result<(), PostgresError> {
        self.stop(options.stop_within)?;
        let (data, base) = (self.data_dir(), self.directory.join("base"));
        let signal = base.join("recovery.signal");
        let failed = |action, path: &std::path::Path| {
            let path = path.to_owned();
            move |source| PostgresError::File { action, path, source }
        };
        fs::rename(&data, self.directory.join("lost")).map_err(failed("move", &data))?;
        File::create(&signal).map_err(failed("write", &signal))?;
        if let User::Other { uid, gid, .. } = self.user {
            std::os::unix::fs::chown(&signal, Some(uid), Some(gid)).map_err(failed("give away", &signal))?;
        }
        fs::rename(&base, &data).map_err(failed("move", &base))?;
        self.launch(options)
    }
}
