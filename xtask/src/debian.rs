//! Packages of Debian, where that is what this machine runs and we may install them.

use std::env;
use std::fs;

use nix::unistd::geteuid;

use crate::call::Call;
use crate::failure::Failure;
use crate::process;
use crate::tools::find_program;
use crate::workspace::Workspace;

/// Whether this machine runs Debian. Ubuntu's browser is an empty shell around a snap, which has no driver on `PATH`.
pub(crate) fn is_here() -> bool {
    is_debian(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// Installs packages; says whether it was possible to try.
pub(crate) fn install(workspace: &Workspace, packages: &str) -> Result<bool, Failure> {
    let apt = find_program("apt-get", &env::var_os("PATH").unwrap_or_default());
    let (true, Some(apt), true) = (is_here(), apt, geteuid().is_root()) else { return Ok(false) };
    println!("installing {packages} with apt-get (once, a minute or two)");
    let update = Call::new(&apt).words("update -q");
    let install = Call::new(&apt)
        .words("install -q -y --no-install-recommends")
        .words(packages)
        .variable("DEBIAN_FRONTEND", "noninteractive");
    for call in [update, install] {
        let run = process::capture(&mut workspace.command(&call))?;
        if !run.status.success() {
            print!("{}", run.output);
            return Err(Failure::because(format!(
                "`{call}` failed, its words are above: connect to the network or install {packages} yourself, then run this again"
            )));
        }
    }
    Ok(true)
}

fn is_debian(os_release: &str) -> bool {
    os_release.lines().any(|line| line == "ID=debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_has_packages_that_work() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(!is_debian("ID=ubuntu\nID_LIKE=debian\n"));
    }
}
