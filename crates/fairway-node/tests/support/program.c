/* What the containers of the tests run: small, static, and as ill-behaved as its first argument says. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <linux/aio_abi.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void quit(int signal) { (void)signal; _exit(7); }

static void cat(const char *path) {
    char buffer[4096];
    int file = open(path, O_RDONLY);
    if (file < 0) { printf("%s: %s\n", path, strerror(errno)); return; }
    for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;) fwrite(buffer, 1, (size_t)count, stdout);
    close(file);
}

static int serve(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) { perror("listen"); return 1; }
    puts("serving");
    for (;;) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        int connection = accept(listener, (struct sockaddr *)&peer, &size);
        char request[2048], text[256];
        if (read(connection, request, sizeof request) < 0) { close(connection); continue; }
        const char *name = inet_ntoa(peer.sin_addr);
        int count = snprintf(text, sizeof text,
            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(name), name);
        if (write(connection, text, (size_t)count) < 0) perror("write");
        close(connection);
    }
}

/* Answers one POST after the other on a connection, each after a moment. */
static void *converse(void *given) {
    int connection = (int)(long)given;
    char request[8192];
    size_t have = 0;
    for (;;) {
        char *end = NULL, *length = NULL;
        while (request[have] = 0, !(end = strstr(request, "\r\n\r\n"))) {
            ssize_t count = read(connection, request + have, sizeof request - 1 - have);
            if (count <= 0) { close(connection); return NULL; }
            have += (size_t)count;
        }
        size_t whole = (size_t)(end + 4 - request);
        if ((length = strcasestr(request, "content-length:")) && length < end) whole += (size_t)atoi(length + 15);
        while (have < whole) {
            ssize_t count = read(connection, request + have, sizeof request - 1 - have);
            if (count <= 0) { close(connection); return NULL; }
            have += (size_t)count;
        }
        if (!strncmp(request, "POST", 4)) usleep((useconds_t)(rand() % 20000));
        const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if (write(connection, text, strlen(text)) < 0) { close(connection); return NULL; }
        memmove(request, request + whole, have - whole);
        have -= whole;
    }
}

/* A server that is gone the moment it is asked to go, whatever it is doing. */
static int web(int port) {
    signal(SIGTERM, quit);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) { perror("listen"); return 1; }
    for (;;) {
        pthread_t thread;
        int connection = accept(listener, NULL, NULL);
        if (connection >= 0 && !pthread_create(&thread, NULL, converse, (void *)(long)connection)) pthread_detach(thread);
    }
}

/* Posts for ever, each time on a new connection; ends at the first answer that is not one. */
static int post(const char *ip, int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    inet_aton(ip, &address.sin_addr);
    signal(SIGTERM, quit);
    for (int done = 0;; done++) {
        char answer[256] = { 0 };
        const char *text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection, (struct sockaddr *)&address, sizeof address)) { printf("connect %d: %s\n", done, strerror(errno)); return 1; }
        if (write(connection, text, strlen(text)) < 0) { printf("write %d: %s\n", done, strerror(errno)); return 1; }
        if (read(connection, answer, sizeof answer - 1) < 12) { printf("read %d: %s\n", done, strerror(errno)); return 1; }
        if (strncmp(answer, "HTTP/1.1 200", 12)) { printf("answer %d: %s\n", done, answer); return 1; }
        close(connection);
        if (done % 50 == 0) printf("posted %d\n", done);
    }
}

static int dial(const char *ip, int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    inet_aton(ip, &address.sin_addr);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) { printf("connect: %s\n", strerror(errno)); return 1; }
    char text[64] = { 0 };
    if (read(connection, text, sizeof text - 1) < 0) return 2;
    printf("heard %s\n", text);
    return 0;
}

/* Asks a web server and prints what it answers. */
static int get(const char *ip, int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    inet_aton(ip, &address.sin_addr);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) { printf("connect: %s\n", strerror(errno)); return 1; }
    const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    if (write(connection, text, strlen(text)) < 0) return 2;
    char answer[1024];
    for (ssize_t count; (count = read(connection, answer, sizeof answer)) != 0;) {
        if (count < 0) { printf("read: %s\n", strerror(errno)); return 3; }
        fwrite(answer, 1, (size_t)count, stdout);
    }
    puts("");
    return 0;
}

/* Tries to see or change what a path leads to; says so only if that worked. */
static void reach(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_NONBLOCK);
    if (file >= 0 && read(file, &byte, 1) == 1) printf("leaked: read %s\n", path);
    if (file >= 0) close(file);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) { printf("leaked: %s in %s\n", entry->d_name, path); break; }
    if (folder) closedir(folder);
    file = open(path, O_WRONLY | O_NONBLOCK);
    if (file >= 0) { printf("leaked: write %s\n", path); close(file); }
    char below[4096];
    snprintf(below, sizeof below, "%s/attack", path);
    file = open(below, O_CREAT | O_WRONLY | O_NONBLOCK, 0644);
    if (file >= 0) { printf("leaked: made %s\n", below); close(file); }
}

static void tried(const char *what, long result) { if (result >= 0) printf("leaked: %s worked\n", what); }

static void attack(void) {
    int zero = 0;
    tried("unshare users", unshare(CLONE_NEWUSER));
    tried("unshare mounts", unshare(CLONE_NEWNS));
    tried("unshare network", unshare(CLONE_NEWNET));
    tried("mount proc", mount("proc", "/proc", "proc", 0, NULL));
    tried("remount root", mount(NULL, "/", NULL, MS_REMOUNT, NULL));
    tried("bind", mount("/proc", "/tmp", NULL, MS_BIND, NULL));
    tried("umount", umount2("/proc", MNT_DETACH));
    tried("umount dev", umount2("/dev", MNT_DETACH));
    tried("chroot", chroot("/"));
    tried("pivot_root", syscall(SYS_pivot_root, "/", "/"));
    tried("setns", setns(open("/proc/1/ns/mnt", O_RDONLY), 0));
    tried("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    tried("ptrace another", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    tried("process_vm_readv", syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
    tried("block device", mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)));
    tried("setuid", setuid(12345));
    tried("setgroups", syscall(SYS_setgroups, 1, &zero));
    tried("sethostname", sethostname("mine", 4));
    tried("keyctl", syscall(SYS_keyctl, 0, -3, 1));
    tried("bpf", syscall(SYS_bpf, 0, NULL, 0));
    tried("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
    tried("userfaultfd", syscall(SYS_userfaultfd, 0));
    tried("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    tried("module", syscall(SYS_init_module, NULL, 0, ""));
    tried("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    tried("raw packets", socket(AF_PACKET, SOCK_RAW, 0));
    tried("raw internet", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    tried("the hypervisor", socket(40 /* AF_VSOCK */, SOCK_STREAM, 0));
    tried("kernel ciphers", socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0));
    int processes = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) processes += atoi(entry->d_name) > 0;
    printf("processes: %d\n", processes);
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = count > 1 ? words[1] : "exit";
    const char *first = count > 2 ? words[2] : "0";
    if (!strcmp(what, "exit")) return atoi(first);
    if (!strcmp(what, "sleep")) { signal(SIGTERM, quit); puts("sleeping"); for (;;) pause(); }
    if (!strcmp(what, "stubborn")) { signal(SIGTERM, SIG_IGN); puts("stubborn"); for (;;) pause(); }
    if (!strcmp(what, "bomb")) {
        int made = 0;
        for (; made < 100000; made++) {
            pid_t child = fork();
            if (child < 0) break;
            if (child == 0) for (;;) pause();
        }
        printf("made %d\n", made);
        return 3;
    }
    if (!strcmp(what, "leak")) for (;;) { char *more = malloc(1 << 20); if (!more) return 4; memset(more, 1, 1 << 20); }
    if (!strcmp(what, "spew")) {
        static char noise[65536];
        for (size_t at = 0; at < sizeof noise; at++) noise[at] = (char)(at * 31 % 251);
        for (;;) if (write(1, noise, sizeof noise) < 0) return 5;
    }
    if (!strcmp(what, "lines")) { for (int at = 0; at < atoi(first); at++) printf("line %d\n", at); return 0; }
    if (!strcmp(what, "cat")) { for (int at = 2; at < count; at++) cat(words[at]); return 0; }
    if (!strcmp(what, "env")) { for (int at = 2; at < count; at++) printf("%s=%s\n", words[at], getenv(words[at])); return 0; }
    if (!strcmp(what, "write")) {
        for (int at = 2; at < count; at++) {
            int file = open(words[at], O_CREAT | O_WRONLY, 0644);
            printf("%s: %s\n", words[at], file < 0 ? strerror(errno) : "written");
        }
        return 0;
    }
    /* One byte more in a file each time: says how often it came by. Waits, or fails the first so many times. */
    if (!strcmp(what, "count")) {
        int file = open(first, O_CREAT | O_WRONLY | O_APPEND, 0644);
        if (file < 0 || write(file, "x", 1) < 0) { perror(first); return 9; }
        long times = (long)lseek(file, 0, SEEK_END);
        printf("time %ld\n", times);
        if (count > 3) return times <= atoi(words[3]) ? 1 : 0;
        signal(SIGTERM, quit);
        for (;;) pause();
    }
    if (!strcmp(what, "keep")) {
        struct stat found;
        if (!stat(first, &found)) printf("found, of %d %d, mode %o\n", found.st_uid, found.st_gid, found.st_mode & 0777);
        int file = open(first, O_CREAT | O_RDWR | O_APPEND, 0600);
        if (file < 0 || write(file, "kept", 4) != 4) { printf("%s: %s\n", first, strerror(errno)); return 1; }
        printf("kept by %d %d\n", getuid(), getgid());
        return 0;
    }
    if (!strcmp(what, "stamp")) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        printf("%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        clock_gettime(CLOCK_REALTIME, &now);
        printf("%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        return 0;
    }
    if (!strcmp(what, "forks")) for (;;) if (fork() < 0) usleep(1000);
    if (!strcmp(what, "attack")) { attack(); for (int at = 2; at < count; at++) reach(words[at]); return 0; }
    if (!strcmp(what, "link")) return symlink(first, words[3]) ? 1 : 0;
    if (!strcmp(what, "fill")) {
        static char block[65536];
        int file = open(first, O_CREAT | O_WRONLY, 0644);
        for (int at = 0; at < 512; at++) if (write(file, block, sizeof block) < 0) break;
        puts("filled");
        for (;;) pause();
    }
    if (!strcmp(what, "break-out")) {
        printf("unshare: %s\n", unshare(CLONE_NEWUSER) ? strerror(errno) : "done");
        printf("mount: %s\n", mount("none", "/proc", "tmpfs", 0, NULL) ? strerror(errno) : "done");
        printf("chroot: %s\n", chroot("/") ? strerror(errno) : "done");
        printf("setuid: %s\n", setuid(1234) ? strerror(errno) : "done");
        printf("sethostname: %s\n", sethostname("x", 1) ? strerror(errno) : "done");
        printf("ids: %d %d pid %d\n", getuid(), getgid(), getpid());
        return 0;
    }
    /* Like the entry points of many images: become another user, or nothing. */
    if (!strcmp(what, "switch")) { if (setuid((uid_t)atoi(first))) { perror("setuid"); return 1; } return 0; }
    if (!strcmp(what, "hand")) {
        int failed = chown(first, (uid_t)atoi(words[3]), (gid_t)-1);
        printf("%s to %s: %s\n", first, words[3], failed ? strerror(errno) : "given");
        return failed;
    }
    if (!strcmp(what, "own")) { chown("/", (uid_t)atoi(first), (gid_t)-1); signal(SIGTERM, quit); for (;;) pause(); }
    if (!strcmp(what, "orphan")) { if (fork() == 0) { setsid(); for (;;) pause(); } return 0; }
    if (!strcmp(what, "copy")) {
        char buffer[65536];
        long long total = 0;
        for (ssize_t count; (count = read(0, buffer, sizeof buffer)) > 0; total += count)
            for (ssize_t at = 0, done; at < count; at += done) if ((done = write(1, buffer + at, (size_t)(count - at))) < 0) return 1;
        fprintf(stderr, "copied %lld\n", total);
        return 3;
    }
    if (!strcmp(what, "terminal")) {
        struct winsize size = { 0 };
        char line[64] = { 0 };
        int tty = open("/dev/tty", O_RDWR);
        printf("terminal: %d %d own: %d\n", isatty(0), isatty(1), tty >= 0);
        if (read(0, line, sizeof line - 1) < 0) return 1;
        ioctl(0, TIOCGWINSZ, &size);
        printf("%d columns, %d rows, heard %s", size.ws_col, size.ws_row, line);
        return 0;
    }
    if (!strcmp(what, "serve")) return serve(atoi(first));
    if (!strcmp(what, "web")) return web(atoi(first));
    if (!strcmp(what, "post")) return post(first, atoi(words[3]));
    if (!strcmp(what, "get")) return get(first, atoi(words[3]));
    if (!strcmp(what, "dial")) return dial(first, atoi(words[3]));
    fprintf(stderr, "unknown: %s\n", what);
    return 64;
}
