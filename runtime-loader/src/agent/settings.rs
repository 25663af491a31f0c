//! What the options of the files, and those of the agent, ask of the datapath.

use sluice_compiler::options::{Options, PacketOptions};

use super::Config;
use crate::prepare::Settings;

/// What the agent itself was told, whatever the files say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    audit_host: bool,
    tell_new: bool,
}

impl Told {
    pub(super) fn of(config: &Config) -> Told {
        Told { audit_host: config.audit_host, tell_new: config.tell_new }
    }

    /// With what the files say.
    pub(super) fn with(self, options: &Options) -> Settings {
        let Told { audit_host, tell_new } = self;
        let PacketOptions { audit, allow_frag_needed } = options.packets;
        Settings { audit, audit_host, allow_frag_needed, tell_new, ..Settings::default() }
    }
}
