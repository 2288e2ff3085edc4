//! The system calls that a scenario's commands can make: a list. Every other call, also of kernels to come, answers
//! "Function not implemented", and programs then use an older call.
//!
//! The list is what programs of every day need (it follows Docker's default profile, `moby/profiles/seccomp`), without what
//! speaks to the kernel past namespaces, looks into other processes, or has been the way out of sandboxes again and again:
//! mounts, namespaces, keyrings, BPF, perf, io_uring, userfaultfd, ptrace, modules, kexec.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::not_entered::NotEntered;

/// Families of sockets: all that a machine's network has, and no family that knows of no network namespace (vsock, the
/// kernel's ciphers, Bluetooth).
const FAMILIES: [i32; 5] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
    libc::AF_PACKET,
];

/// Netlink protocols that are allowed: links and routes, sockets, IPsec, netfilter, events, and families by name.
const NETLINK: [i32; 7] = [
    libc::NETLINK_ROUTE,
    libc::NETLINK_SOCK_DIAG,
    libc::NETLINK_NFLOG,
    libc::NETLINK_XFRM,
    libc::NETLINK_NETFILTER,
    libc::NETLINK_KOBJECT_UEVENT,
    libc::NETLINK_GENERIC,
];

/// Namespaces that clone(2) could make. `clone3` has its flags where a filter cannot see them, so it is not on the
/// list.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP;

/// Requests of ioctl(2) that put characters into the input of a terminal, or speak to its console: ioctl_tty(2),
/// ioctl_console(2).
const TERMINAL_WRITERS: [u64; 2] = [libc::TIOCSTI, 0x541c];

/// Personalities: the usual one, and the question which it is (personality(2)).
const PERSONALITIES: [u64; 2] = [0, 0xffff_ffff];

macro_rules! calls {
    ($($name:ident)*) => { [$(libc::$name),*] };
}

/// Calls that are allowed whatever their arguments.
fn plain() -> impl Iterator<Item = libc::c_long> {
    let files = calls![
        SYS_access SYS_chdir SYS_chmod SYS_chown SYS_close SYS_close_range SYS_copy_file_range SYS_creat SYS_dup SYS_dup2
        SYS_dup3 SYS_faccessat SYS_faccessat2 SYS_fadvise64 SYS_fallocate SYS_fchdir SYS_fchmod SYS_fchmodat SYS_fchown
        SYS_fchownat SYS_fcntl SYS_fdatasync SYS_fgetxattr SYS_flistxattr SYS_flock SYS_fremovexattr SYS_fsetxattr SYS_fstat
        SYS_fstatfs SYS_fsync SYS_ftruncate SYS_futimesat SYS_getcwd SYS_getdents SYS_getdents64 SYS_getxattr SYS_lchown
        SYS_lgetxattr SYS_link SYS_linkat SYS_listxattr SYS_llistxattr SYS_lremovexattr SYS_lseek SYS_lsetxattr SYS_lstat
        SYS_memfd_create SYS_mkdir SYS_mkdirat SYS_mknod SYS_mknodat SYS_newfstatat SYS_open SYS_openat SYS_openat2 SYS_pipe
        SYS_pipe2 SYS_pread64 SYS_preadv SYS_preadv2 SYS_pwrite64 SYS_pwritev SYS_pwritev2 SYS_read SYS_readahead SYS_readlink
        SYS_readlinkat SYS_readv SYS_removexattr SYS_rename SYS_renameat SYS_renameat2 SYS_rmdir SYS_sendfile SYS_setxattr
        SYS_splice SYS_stat SYS_statfs SYS_statx SYS_symlink SYS_symlinkat SYS_sync SYS_sync_file_range SYS_syncfs SYS_tee
        SYS_truncate SYS_umask SYS_unlink SYS_unlinkat SYS_utime SYS_utimensat SYS_utimes SYS_vmsplice SYS_write SYS_writev
        SYS_inotify_add_watch SYS_inotify_init SYS_inotify_init1 SYS_inotify_rm_watch
    ];
    let network = calls![
        SYS_accept SYS_accept4 SYS_bind SYS_connect SYS_getpeername SYS_getsockname SYS_getsockopt SYS_listen SYS_recvfrom
        SYS_recvmmsg SYS_recvmsg SYS_sendmmsg SYS_sendmsg SYS_sendto SYS_setsockopt SYS_shutdown SYS_socketpair
        SYS_epoll_create SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_epoll_wait SYS_eventfd
        SYS_eventfd2 SYS_poll SYS_ppoll SYS_pselect6 SYS_select SYS_signalfd SYS_signalfd4
    ];
    let processes = calls![
        SYS_arch_prctl SYS_capget SYS_capset SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_fork SYS_getegid SYS_geteuid
        SYS_getgid SYS_getgroups SYS_getpgid SYS_getpgrp SYS_getpid SYS_getppid SYS_getpriority SYS_getresgid SYS_getresuid
        SYS_getrlimit SYS_getrusage SYS_getsid SYS_gettid SYS_getuid SYS_ioprio_get SYS_ioprio_set SYS_kill SYS_pause
        SYS_pidfd_open SYS_pidfd_send_signal SYS_prctl SYS_prlimit64 SYS_rseq SYS_rt_sigaction SYS_rt_sigpending
        SYS_rt_sigprocmask SYS_rt_sigqueueinfo SYS_rt_sigreturn SYS_rt_sigsuspend SYS_rt_sigtimedwait SYS_rt_tgsigqueueinfo
        SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_getaffinity SYS_sched_getattr SYS_sched_getparam
        SYS_sched_getscheduler SYS_sched_rr_get_interval SYS_sched_setaffinity SYS_sched_setattr SYS_sched_setparam
        SYS_sched_setscheduler SYS_sched_yield SYS_seccomp SYS_set_robust_list SYS_get_robust_list SYS_set_tid_address
        SYS_setfsgid SYS_setfsuid SYS_setgid SYS_setgroups SYS_setpgid SYS_setpriority SYS_setregid SYS_setresgid
        SYS_setresuid SYS_setreuid SYS_setrlimit SYS_setsid SYS_setuid SYS_sigaltstack SYS_tgkill SYS_tkill SYS_vfork
        SYS_wait4 SYS_waitid SYS_futex SYS_futex_waitv SYS_membarrier SYS_restart_syscall SYS_getcpu
        SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    ];
    let memory = calls![
        SYS_brk SYS_madvise SYS_mincore SYS_mlock SYS_mlock2 SYS_mlockall SYS_mmap SYS_mprotect SYS_mremap SYS_msync
        SYS_munlock SYS_munlockall SYS_munmap SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_remap_file_pages
        SYS_mq_getsetattr SYS_mq_notify SYS_mq_open SYS_mq_timedreceive SYS_mq_timedsend SYS_mq_unlink SYS_msgctl SYS_msgget
        SYS_msgrcv SYS_msgsnd SYS_semctl SYS_semget SYS_semop SYS_semtimedop SYS_shmat SYS_shmctl SYS_shmdt SYS_shmget
    ];
    let rest = calls![
        SYS_alarm SYS_clock_getres SYS_clock_gettime SYS_clock_nanosleep SYS_getitimer SYS_gettimeofday SYS_nanosleep
        SYS_setitimer SYS_time SYS_timer_create SYS_timer_delete SYS_timer_getoverrun SYS_timer_gettime SYS_timer_settime
        SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime SYS_times SYS_getrandom SYS_sysinfo SYS_uname
    ];
    files
        .into_iter()
        .chain(network)
        .chain(processes)
        .chain(memory)
        .chain(rest)
}

/// A condition on the argument at `index`; a shorthand.
fn when(
    index: u8,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, Dword, compare, value)
}

/// Calls that are allowed with some arguments.
fn conditional() -> Result<Vec<(libc::c_long, Vec<SeccompRule>)>, seccompiler::BackendError> {
    let eq = SeccompCmpOp::Eq;
    let mut sockets = Vec::new();
    for family in FAMILIES {
        if family != libc::AF_NETLINK {
            let family = when(0, eq.clone(), number(family))?;
            sockets.push(SeccompRule::new(vec![family])?);
            continue;
        }
        for protocol in NETLINK {
            let family = when(0, eq.clone(), number(family))?;
            let protocol = when(2, eq.clone(), number(protocol))?;
            sockets.push(SeccompRule::new(vec![family, protocol])?);
        }
    }
    let no_namespace = when(0, SeccompCmpOp::MaskedEq(number(NAMESPACES)), 0)?;
    let harmless = TERMINAL_WRITERS
        .into_iter()
        .map(|request| when(1, SeccompCmpOp::Ne, request))
        .collect::<Result<Vec<_>, _>>()?;
    let mut usual = Vec::new();
    for personality in PERSONALITIES {
        usual.push(SeccompRule::new(vec![when(0, eq.clone(), personality)?])?);
    }
    Ok(vec![
        (libc::SYS_socket, sockets),
        (libc::SYS_clone, vec![SeccompRule::new(vec![no_namespace])?]),
        (libc::SYS_ioctl, vec![SeccompRule::new(harmless)?]),
        (libc::SYS_personality, usual),
    ])
}

fn number(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

/// The whole filter.
fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        plain().map(|call| (call, Vec::new())).collect();
    rules.extend(conditional()?);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    filter.try_into()
}

/// Sets the filter on the calling thread, which cannot take it off again.
pub(super) fn install() -> Result<(), NotEntered> {
    let program = program().map_err(|error| NotEntered::Filter {
        doing: "write",
        said: error.to_string(),
    })?;
    apply_filter(&program).map_err(|error| NotEntered::Filter {
        doing: "set",
        said: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_fits_into_what_the_kernel_takes() {
        let program = program().expect("a filter");
        // BPF_MAXINSNS of linux/bpf_common.h.
        assert!(program.len() < 4096, "{} instructions", program.len());
    }

    #[test]
    fn no_way_out_is_on_the_list() {
        let listed: Vec<_> = plain().collect();
        for (name, call) in [
            ("mount", libc::SYS_mount),
            ("umount2", libc::SYS_umount2),
            ("move_mount", libc::SYS_move_mount),
            ("open_tree", libc::SYS_open_tree),
            ("fsopen", libc::SYS_fsopen),
            ("mount_setattr", libc::SYS_mount_setattr),
            ("pivot_root", libc::SYS_pivot_root),
            ("chroot", libc::SYS_chroot),
            ("setns", libc::SYS_setns),
            ("unshare", libc::SYS_unshare),
            ("clone3", libc::SYS_clone3),
            ("ptrace", libc::SYS_ptrace),
            ("process_vm_readv", libc::SYS_process_vm_readv),
            ("pidfd_getfd", libc::SYS_pidfd_getfd),
            ("kcmp", libc::SYS_kcmp),
            ("keyctl", libc::SYS_keyctl),
            ("add_key", libc::SYS_add_key),
            ("bpf", libc::SYS_bpf),
            ("perf_event_open", libc::SYS_perf_event_open),
            ("io_uring_setup", libc::SYS_io_uring_setup),
            ("userfaultfd", libc::SYS_userfaultfd),
            ("init_module", libc::SYS_init_module),
            ("kexec_load", libc::SYS_kexec_load),
            ("open_by_handle_at", libc::SYS_open_by_handle_at),
            ("sethostname", libc::SYS_sethostname),
            ("clock_settime", libc::SYS_clock_settime),
            ("reboot", libc::SYS_reboot),
            ("syslog", libc::SYS_syslog),
        ] {
            assert!(!listed.contains(&call), "{name}");
        }
    }
}
