/* Faults of disk and clock for one real process, loaded with LD_PRELOAD. Built by preload.py, which
 * shares the control page with it: see there for what each field means. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t clock_offset_ns;
    int32_t sync_errno, sync_times;
    int32_t write_errno, write_times;
    int64_t syncs;
};

static struct control nothing;
static struct control *control = &nothing;
static const char *match;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);

static void begin(void) {
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    match = getenv("PRELOAD_MATCH");
    const char *path = getenv("PRELOAD_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) control = page;
}

static int hits(int fd) {
    char link[32], path[PATH_MAX];
    pthread_once(&once, begin);
    if (!match || !*match) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, match) != NULL;
}

/* Whether the planned fault strikes now; counts it down unless it lasts. */
static int strikes(int32_t *times) {
    int32_t left = __atomic_load_n(times, __ATOMIC_SEQ_CST);
    while (left > 0) {
        if (__atomic_compare_exchange_n(times, &left, left - 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return 1;
    }
    return left < 0;
}

static int fails_sync(int fd) {
    if (!hits(fd)) return 0;
    if (strikes(&control->sync_times)) {
        errno = control->sync_errno;
        return 1;
    }
    __atomic_add_fetch(&control->syncs, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int fails_write(int fd) {
    if (!control->write_times && control != &nothing) return 0;
    if (!hits(fd) || !strikes(&control->write_times)) return 0;
    errno = control->write_errno;
    return 1;
}

int fsync(int fd) { return fails_sync(fd) ? -1 : real_fsync(fd); }

int fdatasync(int fd) { return fails_sync(fd) ? -1 : real_fdatasync(fd); }

ssize_t write(int fd, const void *data, size_t size) {
    pthread_once(&once, begin);
    return fails_write(fd) ? -1 : real_write(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    pthread_once(&once, begin);
    return fails_write(fd) ? -1 : real_pwrite(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return pwrite64(fd, data, size, at);
}

int ftruncate64(int fd, off64_t size) {
    pthread_once(&once, begin);
    return fails_write(fd) ? -1 : real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int clock_gettime(clockid_t which, struct timespec *now) {
    pthread_once(&once, begin);
    int result = real_clock_gettime(which, now);
    if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + control->clock_offset_ns;
        now->tv_sec = ns / INT64_C(1000000000);
        now->tv_nsec = ns % INT64_C(1000000000);
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
