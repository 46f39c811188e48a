//! What the system says of a process.

/// The most memory that a process ever had resident, in bytes. Only Linux tells it of another
/// process, in `/proc/PID/status`; elsewhere there is nothing to compare with a bound.
pub(crate) fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
