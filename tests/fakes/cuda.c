/* A stand-in for the CUDA driver beside the one for NVML: what a process allocates stands, as long as it lives, in a file
 * of the folder that has the name of FAKE_NVML_STATE with .held behind it, and nvml.c counts it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, INVALID = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100 };

/* The line of the GPU that CUDA counts as `wanted`: of those in CUDA_VISIBLE_DEVICES, which this one takes by UUID only. */
static int find(int wanted, char *line, size_t size) {
    const char *path = getenv("FAKE_NVML_STATE"), *visible = getenv("CUDA_VISIBLE_DEVICES");
    FILE *file = path ? fopen(path, "r") : NULL;
    int found = 0;
    if (!file) return 0;
    while (!found && fgets(line, size, file)) {
        char *uuid = strstr(line, "\tuuid=");
        if (strncmp(line, "gpu\t", 4) || !uuid) continue;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(uuid + 6, "\t\n"), uuid + 6);
        if ((!visible || strstr(visible, name)) && wanted-- == 0) found = 1;
    }
    fclose(file);
    return found;
}

static unsigned long long number(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

int cuInit(unsigned flags) { return flags || !getenv("FAKE_NVML_STATE") ? NO_DEVICE : OK; }

int cuDeviceGetCount(int *count) {
    char line[4096];
    for (*count = 0; find(*count, line, sizeof line);) ++*count;
    return OK;
}

int cuDeviceGetUuid(unsigned char *uuid, int device) {
    char line[4096];
    if (!find(device, line, sizeof line)) return INVALID;
    const char *at = strstr(line, "\tuuid=GPU-") + strlen("\tuuid=GPU-");
    for (int byte = 0; byte < 16; byte++, at += 2) {
        if (*at == '-') at++;
        sscanf(at, "%2hhx", &uuid[byte]);
    }
    return OK;
}

int cuCtxCreate_v2(void **context, unsigned flags, int device) {
    char line[4096];
    *context = (void *)1;
    return flags || !find(device, line, sizeof line) ? INVALID : OK;
}

int cuMemAlloc_v2(unsigned long long *memory, size_t bytes) {
    char line[4096], path[4200];
    if (!find(0, line, sizeof line)) return INVALID;
    if (number(line, "\tused=") + bytes > number(line, "\ttotal=")) return OUT_OF_MEMORY;
    char *uuid = strstr(line, "\tuuid=") + 6;
    snprintf(path, sizeof path, "%s.held/%.*s.%d", getenv("FAKE_NVML_STATE"), (int)strcspn(uuid, "\t\n"), uuid, getpid());
    FILE *file = fopen(path, "w");
    if (!file) return INVALID;
    fprintf(file, "%zu", bytes);
    fclose(file);
    *memory = 1;
    return OK;
}
