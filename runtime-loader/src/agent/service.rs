//! Tells the service manager how the agent is: the protocol of `sd_notify`, which is a datagram of lines.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The service manager, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Service {
    to: Option<Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
}

impl Service {
    /// The service manager that the environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`); none if it
    /// names none, or what cannot be reached.
    pub fn of_environment() -> Service {
        let of_process = std::env::var("WATCHDOG_PID").ok().and_then(|id| id.parse().ok());
        let ours = of_process.is_none_or(|id: u32| id == std::process::id());
        let micros = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        let watchdog = micros.filter(|micros| ours && *micros > 0).map(Duration::from_micros);
        match std::env::var_os("NOTIFY_SOCKET").map(|name| Service::at(name.as_bytes(), watchdog)) {
            Some(Ok(service)) => service,
            Some(Err(error)) => {
                tracing::warn!(%error, "the service manager cannot be told anything");
                Service::default()
            }
            None => Service::default(),
        }
    }

    /// The service manager at an address: a path, or `@` and a name.
    ///
    /// # Errors
    ///
    /// The address is none, or no socket can be made.
    pub fn at(address: &[u8], watchdog: Option<Duration>) -> io::Result<Service> {
        let to = match address {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold up the agent.
        socket.set_nonblocking(true)?;
        Ok(Service { to: Some(Arc::new((socket, to))), watchdog })
    }

    /// How often the manager wants a sign of life; none if it does not.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The agent does its work, for the first time or after a reload.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}\n", one_line(status)));
    }

    /// The agent reads everything again because it was asked to; [`Service::ready`] ends it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\n"));
    }

    /// What a person sees in `systemctl status`.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}\n", one_line(status)));
    }

    /// The agent lives.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1\n");
    }

    /// The agent ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=the datapath stays as it is\n");
    }

    fn tell(&self, message: &str) {
        let Some((socket, to)) = self.to.as_deref() else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), to) {
            tracing::warn!(%error, "the service manager was not told: {}", message.trim_end());
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::Service;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_hears_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("sluice-test-{}", std::process::id());
        let abstracted = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, address) in [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&abstracted).unwrap(), format!("@{name}")),
        ] {
            let service = Service::at(address.as_bytes(), None).unwrap();
            service.ready("generation 7\nREADY=0");
            assert_eq!(heard(&socket), "READY=1\nSTATUS=generation 7\n");
            service.reloading();
            assert!(heard(&socket).starts_with("RELOADING=1\nMONOTONIC_USEC="));
            service.alive();
            service.stopping();
            assert_eq!(heard(&socket), "WATCHDOG=1\n");
            assert!(heard(&socket).starts_with("STOPPING=1\n"));
        }
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        Service::default().ready("");
        let gone = Service::at(b"/nowhere/notify", None).unwrap();
        gone.ready("");
    }
}
