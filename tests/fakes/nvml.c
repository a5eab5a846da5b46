/* A stand-in for NVIDIA's driver library: what its functions answer stands in the file that FAKE_NVML_STATE names.
 *
 *   driver <tab> 550.54.15
 *   gpu <tab> uuid=… <tab> name=… <tab> total=… <tab> used=… <tab> util=… <tab> temp=… <tab> power=… <tab> procs=pid:bytes,…
 *   mig <tab> parent=0 <tab> uuid=… <tab> name=… <tab> total=… <tab> used=…
 *
 *
 * Without the file there is no driver. While a file of the same name with .hangs behind it exists, no question is answered. A field that is missing is a reading that is not supported; bytes "-" are not
 * available; lost=FIELD makes the GPU fall off the bus when that field is read ("handle" is the first of them).
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, NO_DRIVER = 9, LOST = 15 };
#define MIG_BASE 1000
#define MIG_PLACES 7

typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned gpu, memory; } utilisation_t;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } process_t;

static int opened;

static FILE *state(void) {
    const char *path = getenv("FAKE_NVML_STATE");
    char hangs[4096];
    if (!path) return NULL;
    snprintf(hangs, sizeof hangs, "%s.hangs", path);
    while (!access(hangs, F_OK)) usleep(5000);
    return fopen(path, "r");
}

/* The wanted line of a kind, counted from 0; for slices, only those of one parent. */
static int find_line(const char *kind, const char *mark, int wanted, char *line, size_t size) {
    FILE *file = state();
    int found = 0;
    if (!file) return 0;
    while (!found && fgets(line, size, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, kind, strlen(kind)) && (!mark || strstr(line, mark)) && wanted-- == 0) found = 1;
    }
    fclose(file);
    return found;
}

static int find_device(void *device, char *line, size_t size) {
    long number = (long)device - 1;
    char mark[32];
    if (number < MIG_BASE) return find_line("gpu\t", NULL, (int)number, line, size);
    snprintf(mark, sizeof mark, "\tparent=%ld\t", (number - MIG_BASE) / MIG_PLACES);
    return find_line("mig\t", mark, (int)((number - MIG_BASE) % MIG_PLACES), line, size);
}

static int field(void *device, const char *name, char *value, size_t size) {
    char line[4096], key[64];
    if (!opened) return UNINITIALIZED;
    if (!find_device(device, line, sizeof line)) return LOST;
    snprintf(key, sizeof key, "\tlost=%s", name);
    if (strstr(line, key)) return LOST;
    snprintf(key, sizeof key, "\t%s=", name);
    char *at = strstr(line, key);
    if (!at) return NOT_SUPPORTED;
    at += strlen(key);
    snprintf(value, size, "%.*s", (int)strcspn(at, "\t"), at);
    return OK;
}

/* The wanted living process, counted from 0, that holds memory by way of cuda.c; only of whole GPUs. */
static int find_held(void *device, unsigned wanted, process_t *into) {
    char uuid[96], path[4200];
    if (field(device, "uuid", uuid, sizeof uuid) != OK) return 0;
    snprintf(path, sizeof path, "%s.held", getenv("FAKE_NVML_STATE"));
    DIR *folder = opendir(path);
    int found = 0;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        size_t length = strlen(uuid);
        if (strncmp(entry->d_name, uuid, length) || entry->d_name[length] != '.') continue;
        int pid = atoi(entry->d_name + length + 1);
        if (kill(pid, 0) || wanted--) continue;
        unsigned long long bytes = 0;
        snprintf(path, sizeof path, "%s.held/%s", getenv("FAKE_NVML_STATE"), entry->d_name);
        FILE *file = fopen(path, "r");
        if (file) {
            found = fscanf(file, "%llu", &bytes) == 1;
            fclose(file);
        }
        *into = (process_t){(unsigned)pid, bytes, 0, 0};
    }
    if (folder) closedir(folder);
    return found;
}

static int number(void *device, const char *name, unsigned long long *value) {
    char text[64];
    int result = field(device, name, text, sizeof text);
    if (result == OK) *value = strtoull(text, NULL, 10);
    return result;
}

static int small_number(void *device, const char *name, unsigned *value) {
    unsigned long long wide = 0;
    int result = number(device, name, &wide);
    *value = (unsigned)wide;
    return result;
}

int nvmlInitWithFlags(unsigned flags) {
    FILE *file = state();
    (void)flags;
    if (!file) return NO_DRIVER;
    fclose(file);
    opened++;
    return OK;
}

int nvmlShutdown(void) {
    if (!opened) return UNINITIALIZED;
    opened--;
    return OK;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    char line[4096];
    if (!opened) return UNINITIALIZED;
    if (!find_line("driver\t", NULL, 0, line, sizeof line)) return NOT_SUPPORTED;
    snprintf(version, length, "%s", line + strlen("driver\t"));
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char line[4096];
    if (!opened) return UNINITIALIZED;
    for (*count = 0; find_line("gpu\t", NULL, (int)*count, line, sizeof line);) ++*count;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    char ignored[8];
    *device = (void *)(long)(index + 1);
    return field(*device, "handle", ignored, sizeof ignored) == LOST ? LOST : OK;
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) { return field(device, "uuid", uuid, length); }
int nvmlDeviceGetName(void *device, char *name, unsigned length) { return field(device, "name", name, length); }
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) { return small_number(device, "power", milliwatts); }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    return sensor ? INVALID : small_number(device, "temp", celsius);
}

int nvmlDeviceGetUtilizationRates(void *device, utilisation_t *rates) {
    rates->memory = 0;
    return small_number(device, "util", &rates->gpu);
}

int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory) {
    int result = number(device, "total", &memory->total);
    if (result == OK) result = number(device, "used", &memory->used);
    process_t held;
    for (unsigned wanted = 0; result == OK && find_held(device, wanted, &held); wanted++) memory->used += held.bytes;
    memory->free = memory->total - memory->used;
    return result;
}

static int processes(void *device, const char *name, unsigned *count, process_t *into) {
    char text[2048];
    unsigned found = 0, room = *count;
    int result = field(device, name, text, sizeof text);
    if (result != OK) return result;
    for (char *part = strtok(text, ","); part; part = strtok(NULL, ","), found++) {
        char *bytes = strchr(part, ':') + 1;
        if (found >= room) continue;
        into[found] = (process_t){(unsigned)atoi(part), *bytes == '-' ? ~0ULL : strtoull(bytes, NULL, 10), 0, 0};
    }
    process_t held;
    for (unsigned wanted = 0; !strcmp(name, "procs") && find_held(device, wanted, &held); wanted++, found++)
        if (found < room) into[found] = held;
    *count = found;
    return found > room ? TOO_SMALL : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process_t *into) {
    return processes(device, "procs", count, into);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, process_t *into) {
    return processes(device, "drawing", count, into);
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    char line[4096], mark[32];
    snprintf(mark, sizeof mark, "\tparent=%ld\t", (long)device - 1);
    *current = *pending = (unsigned)find_line("mig\t", mark, 0, line, sizeof line);
    return opened ? OK : UNINITIALIZED;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) {
    (void)device;
    *count = MIG_PLACES;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **mig) {
    char line[4096];
    *mig = (void *)(MIG_BASE + ((long)device - 1) * MIG_PLACES + index + 1);
    return find_device(*mig, line, sizeof line) ? OK : NOT_FOUND;
}
