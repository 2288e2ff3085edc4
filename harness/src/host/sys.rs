//! System calls that nix has no safe wrapper for. All `unsafe` lines of the crate are here and in `doctor_sys`.
#![expect(unsafe_code, reason = "raw system calls; each says why it is sound")]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::libc;
use nix::unistd::{ForkResult, Pid};
use tokio::io::unix::AsyncFd;

/// `struct ifreq` as `TUNSETIFF` and `TUNGETIFF` use it: a name and flags.
#[repr(C)]
struct IfReqFlags {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    pad: [u8; 22],
}

/// `struct ifreq` as `SIOCGIFHWADDR` uses it: a name and a `sockaddr`.
#[repr(C)]
struct IfReqAddress {
    name: [u8; libc::IFNAMSIZ],
    family: libc::sa_family_t,
    address: [u8; 14],
    pad: [u8; 8],
}

/// `linux/fcntl.h`: apply to what is mounted below as well.
const AT_RECURSIVE: libc::c_int = 0x8000;

/// `linux/sockios.h`.
const SIOCETHTOOL: libc::c_ulong = 0x8946;

/// `struct ifreq` as `SIOCETHTOOL` uses it: a name and a pointer.
#[repr(C)]
struct IfReqPointer {
    name: [u8; libc::IFNAMSIZ],
    data: *mut EthtoolValue,
    pad: [u8; 24 - size_of::<*mut EthtoolValue>()],
}

/// `struct ethtool_value` of `linux/ethtool.h`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

mod ioctl {
    nix::ioctl_write_ptr_bad!(tunsetiff, nix::libc::TUNSETIFF, super::IfReqFlags);
    nix::ioctl_write_int_bad!(tunsetowner, nix::libc::TUNSETOWNER);
    nix::ioctl_read_bad!(tungetiff, nix::libc::TUNGETIFF, super::IfReqFlags);
    nix::ioctl_write_int_bad!(tunsetpersist, nix::libc::TUNSETPERSIST);
    nix::ioctl_readwrite_bad!(siocethtool, super::SIOCETHTOOL, super::IfReqPointer);
    nix::ioctl_read_bad!(siocgifhwaddr, nix::libc::SIOCGIFHWADDR, super::IfReqAddress);
}

/// The processor's time stamp counter, where it has one (`RDTSC`).
pub(super) fn time_stamp() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it reads a register; every x86-64 processor has it, and no kernel that runs QEMU forbids it (prctl(2)
    // PR_SET_TSC, which nobody here calls).
    return Some(unsafe { std::arch::x86_64::_rdtsc() });
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Attaches an open `/dev/net/tun` to a new non-persistent TAP in the calling thread's network namespace.
///
/// Equivalent: `ip tuntap add name NAME mode tap vnet_hdr` (flags of `linux/if_tun.h`). Returns the name that
/// the kernel gave it.
pub(super) fn tun_set_iff(
    tun: BorrowedFd<'_>,
    name: &str,
    flags: libc::c_int,
) -> io::Result<String> {
    let mut req = IfReqFlags {
        name: [0; libc::IFNAMSIZ],
        flags: flags as libc::c_short,
        pad: [0; 22],
    };
    if name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    req.name[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: `req` is a live, fully initialised ifreq-sized structure, and the kernel reads at most that.
    unsafe { ioctl::tunsetiff(tun.as_raw_fd(), &raw const req) }?;
    // SAFETY: as above; the kernel writes at most sizeof(struct ifreq), which IfReqFlags has.
    unsafe { ioctl::tungetiff(tun.as_raw_fd(), &raw mut req) }?;
    let end = req
        .name
        .iter()
        .position(|b| *b == 0)
        .unwrap_or(req.name.len());
    Ok(String::from_utf8_lossy(&req.name[..end]).into_owned())
}

/// `SIOCGIFHWADDR` of an open macvtap, which answers for the interface behind it and for no other: name and MAC address.
pub(super) fn tap_address(tap: BorrowedFd<'_>) -> io::Result<(String, [u8; 6])> {
    let mut req = IfReqAddress {
        name: [0; libc::IFNAMSIZ],
        family: 0,
        address: [0; 14],
        pad: [0; 8],
    };
    // SAFETY: `req` is a live, fully initialised structure of the size of struct ifreq, and the kernel writes no more.
    unsafe { ioctl::siocgifhwaddr(tap.as_raw_fd(), &raw mut req) }?;
    let end = req.name.iter().position(|b| *b == 0);
    let name = String::from_utf8_lossy(&req.name[..end.unwrap_or(req.name.len())]).into_owned();
    let mut address = [0; 6];
    address.copy_from_slice(&req.address[..6]);
    Ok((name, address))
}

/// `SIOCETHTOOL` with a command that takes or gives one number, on a link of the namespace that the socket is of.
pub(super) fn ethtool_value(
    socket: &OwnedFd,
    link: &str,
    command: u32,
    data: u32,
) -> io::Result<u32> {
    let mut value = EthtoolValue { command, data };
    let mut req = IfReqPointer {
        name: [0; libc::IFNAMSIZ],
        data: &raw mut value,
        pad: [0; 24 - size_of::<*mut EthtoolValue>()],
    };
    if link.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    req.name[..link.len()].copy_from_slice(link.as_bytes());
    // SAFETY: `req` is a live structure of the size of struct ifreq, whose pointer leads to a live ethtool_value; commands
    // of this kind read and write just that.
    unsafe { ioctl::siocethtool(socket.as_raw_fd(), &raw mut req) }?;
    Ok(value.data)
}

/// `TUNSETPERSIST`: the interface outlives its descriptors.
pub(super) fn tun_set_persist(tun: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a plain ioctl whose argument is a number; the descriptor is open for the call.
    unsafe { ioctl::tunsetpersist(tun.as_raw_fd(), 1) }?;
    Ok(())
}

/// Lets a user attach to the TAP without `CAP_NET_ADMIN`: `ip tuntap add ... user UID`.
pub(super) fn tun_set_owner(tun: BorrowedFd<'_>, uid: u32) -> io::Result<()> {
    // SAFETY: the argument is a number, no pointer.
    unsafe { ioctl::tunsetowner(tun.as_raw_fd(), uid.cast_signed()) }?;
    Ok(())
}

/// `fork(2)` for a process that has exactly one thread.
///
/// # Errors
/// `EINVAL` when the process has more than one thread: the child of such a fork may only make async-signal-safe calls,
/// and the child here goes on as an ordinary program.
pub(super) fn fork_single_threaded() -> io::Result<ForkResult> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{threads} threads are running, a fork needs exactly one"),
        ));
    }
    // SAFETY: the process has one thread (checked above), so no lock can be held by a thread that the child
    // lacks.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// What a child does between fork and exec.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChildSetup {
    /// Descriptors to hand down: (descriptor here, number in the child).
    pub(crate) fds: Vec<(RawFd, RawFd)>,
    /// Become this user and group, with these supplementary groups (`None`: keep those it has).
    pub(crate) identity: Option<(u32, u32, Option<Vec<u32>>)>,
}

/// Arranges for `command`'s child to run [`ChildSetup`] and to die with the thread that spawns it.
pub(crate) fn prepare_child(command: &mut std::process::Command, setup: ChildSetup) {
    // SAFETY: the closure makes only async-signal-safe system calls on data that was prepared before the fork;
    // it neither allocates nor takes locks.
    unsafe {
        command.pre_exec(move || {
            hand_down_now(&setup.fds)?;
            if let Some((uid, gid, groups)) = &setup.identity {
                if let Some(groups) = groups {
                    cvt(libc::setgroups(groups.len(), groups.as_ptr()))?;
                }
                cvt(libc::setresgid(*gid, *gid, *gid))?;
                cvt(libc::setresuid(*uid, *uid, *uid))?;
            }
            // After the identity: a change of credentials clears the death signal.
            cvt(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            Ok(())
        });
    }
}

/// Arranges for `command`'s child to get these descriptors, (descriptor here, number in the child), and nothing else of
/// [`ChildSetup`]: no death signal.
pub(super) fn hand_down(command: &mut std::process::Command, fds: Vec<(RawFd, RawFd)>) {
    // SAFETY: as in `prepare_child`.
    unsafe { command.pre_exec(move || hand_down_now(&fds)) };
}

/// Hands the descriptors down, in the child before it executes its program. Neither allocates nor takes locks.
fn hand_down_now(fds: &[(RawFd, RawFd)]) -> io::Result<()> {
    // High temporary numbers first, so that no target overwrites a source.
    for (index, (from, _)) in fds.iter().enumerate() {
        // SAFETY: numbers alone; a wrong one is refused.
        cvt(unsafe { libc::dup3(*from, 900 + index as RawFd, libc::O_CLOEXEC) })?;
    }
    for (index, (_, to)) in fds.iter().enumerate() {
        // SAFETY: as above. A descriptor that had this number is closed in the child alone, which is about to be
        // replaced.
        cvt(unsafe { libc::dup2(900 + index as RawFd, *to) })?;
    }
    Ok(())
}

/// Takes a descriptor that the starter of this process handed down.
pub(super) fn handed_down(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes a number, no pointer; refuses what is not open.
    cvt(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, and it was handed down for the caller of this function: nothing else here owns
    // it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets no descriptor from `first` on reach a program that is executed: close_range(2) with `CLOSE_RANGE_CLOEXEC`.
pub(super) fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: numbers alone; it closes nothing now.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    cvt(done as libc::c_int).map(drop)
}

/// Adds attributes (`MOUNT_ATTR_*`) to a mount, or to it and all below it: mount_setattr(2), Linux 5.12.
pub(super) fn seal_mount(path: &Path, attributes: u64, below: bool) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = if below { AT_RECURSIVE } else { 0 };
    let attributes = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: a live string that ends in NUL, and a live mount_attr with its size; the kernel only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    cvt(done as libc::c_int).map(drop)
}

/// Opens `/proc/thread-self/ns/KIND`: the calling thread's namespace. `/proc/self` would be the main thread's.
pub(super) fn thread_namespace(kind: &str) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/thread-self/ns/{kind}"))?.into())
}

/// `PACKET_STATISTICS` of an `AF_PACKET` socket: (received, dropped) since the last call.
pub(super) fn packet_statistics(socket: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut stats = MaybeUninit::<libc::tpacket_stats>::zeroed();
    let mut len = size_of::<libc::tpacket_stats>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes into `stats`, which is that large and zeroed.
    cvt(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            stats.as_mut_ptr().cast(),
            &raw mut len,
        )
    })?;
    // SAFETY: zeroed is a valid tpacket_stats, and the kernel filled it.
    let stats = unsafe { stats.assume_init() };
    Ok((stats.tp_packets, stats.tp_drops))
}

/// An `AF_PACKET` socket on one interface of the calling thread's network namespace.
///
/// Opened with protocol 0 and bound afterwards, so that it never sees a frame of another interface.
pub(super) fn packet_socket(ifindex: u32) -> io::Result<OwnedFd> {
    // SAFETY: plain system call; the returned descriptor is owned by nobody else.
    let fd = unsafe {
        let raw = cvt(libc::socket(
            libc::AF_PACKET,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
            0,
        ))?;
        OwnedFd::from_raw_fd(raw)
    };
    let buffer: libc::c_int = 4 << 20;
    // SAFETY: passes a pointer to a live c_int with its size. A refusal only leaves the smaller default.
    unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUFFORCE,
            (&raw const buffer).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
    let on: libc::c_int = 1;
    // SAFETY: passes a pointer to a live c_int with its size.
    cvt(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_AUXDATA,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })?;
    // SAFETY: sockaddr_ll is plain data for which all-zero bytes are valid.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = ifindex as libc::c_int;
    // SAFETY: passes a pointer to a live sockaddr_ll with its size.
    cvt(unsafe {
        libc::bind(
            fd.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    })?;
    Ok(fd)
}

/// Registers a descriptor with the current tokio runtime.
pub(super) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open and refers to the same file description until it is dropped, and the AsyncFd
    // owns it.
    Ok(unsafe { AsyncFd::register(fd) }?)
}

/// One frame from a [`packet_socket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    /// Its length, without the tag.
    pub(super) original: usize,
    /// How much of it is in the buffer.
    pub(super) stored: usize,
    /// Whether this machine sent it.
    pub(super) outgoing: bool,
    /// Its outer VLAN tag, as TPID and TCI, where the kernel keeps it beside the frame (`skb_vlan_untag`).
    pub(super) tag: Option<(u16, u16)>,
}

/// Takes one frame from a [`packet_socket`], with what `PACKET_AUXDATA` says of it.
pub(super) fn packet_recv(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    /// Room for one control message, aligned as their headers must be.
    #[repr(align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: sockaddr_ll and msghdr are plain data for which all-zero bytes are valid.
    let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    message.msg_name = (&raw mut from).cast();
    message.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    // SAFETY: address, buffer and control are live for the call and their true sizes are in the message.
    let received = unsafe {
        libc::recvmsg(
            socket.as_raw_fd(),
            &raw mut message,
            libc::MSG_TRUNC | libc::MSG_DONTWAIT,
        )
    };
    if received < 0 {
        return Err(io::Error::last_os_error());
    }
    let original = received as usize;
    let mut tag = None;
    // SAFETY: the kernel filled msg_control up to msg_controllen; the macros step within that, and the data of a message is
    // read unaligned only where its length says that it is there.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(header) = next.as_ref() {
            let wanted = size_of::<libc::tpacket_auxdata>();
            if (header.cmsg_level, header.cmsg_type) == (libc::SOL_PACKET, libc::PACKET_AUXDATA)
                && header.cmsg_len >= libc::CMSG_LEN(wanted as u32) as usize
            {
                let data: libc::tpacket_auxdata =
                    std::ptr::read_unaligned(libc::CMSG_DATA(next).cast());
                tag = vlan_tag(&data);
            }
            next = libc::CMSG_NXTHDR(&raw const message, next);
        }
    }
    Ok(Received {
        original,
        stored: original.min(buffer.len()),
        outgoing: from.sll_pkttype == libc::PACKET_OUTGOING,
        tag,
    })
}

/// The tag in what the kernel says of a frame; without a TPID (before Linux 3.14) it is 802.1Q.
fn vlan_tag(data: &libc::tpacket_auxdata) -> Option<(u16, u16)> {
    let says = |bit| data.tp_status & bit != 0;
    let tpid = match says(libc::TP_STATUS_VLAN_TPID_VALID) {
        true => data.tp_vlan_tpid,
        false => libc::ETH_P_8021Q as u16,
    };
    says(libc::TP_STATUS_VLAN_VALID).then_some((tpid, data.tp_vlan_tci))
}

/// Waits for a child; its exit code, or 128 plus the signal that ended it.
pub(super) fn wait_status(pid: Pid) -> io::Result<i32> {
    use nix::sys::wait::{WaitStatus, waitpid};
    loop {
        match waitpid(pid, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as i32),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn cvt(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
