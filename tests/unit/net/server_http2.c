/* server_http2.c: as little of HTTP/2 (RFC 9113) as a well-behaved client needs. Nothing it is asked is looked at: all
 * requests get the same answer, so no header has to be decoded. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/server.h"

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, GOAWAY = 7 };
enum { END_STREAM = 1, ACKNOWLEDGED = 1, END_HEADERS = 4 };

static EVP_PKEY *key;
static X509 *certificate;

/* ---- the certificate --------------------------------------------------------------------------------------------- */

static bool add_extension(int what, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, what, value);
    bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

bool server_http2_prepare(const char *certificate_path)
{
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    if (!key || !certificate)
        return false;
    X509_NAME *name = X509_get_subject_name(certificate);
    bool ok = X509_set_version(certificate, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) && X509_set_pubkey(certificate, key) == 1 &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, name) == 1 && add_extension(NID_subject_alt_name, "IP:127.0.0.1") &&
              add_extension(NID_basic_constraints, "critical,CA:TRUE") && X509_sign(certificate, key, EVP_sha256()) > 0;
    FILE *file = ok ? fopen(certificate_path, "w") : NULL;
    ok = file && PEM_write_X509(file, certificate) == 1;
    return file && fclose(file) == 0 && ok;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

struct frame {
    unsigned size;
    unsigned type;
    unsigned flags;
    unsigned stream;
    unsigned char bytes[16384];
};

static bool read_bytes(SSL *tls, unsigned char *at, size_t size)
{
    while (size > 0) {
        size_t got = 0;
        if (SSL_read_ex(tls, at, size, &got) != 1)
            return false;
        at += got;
        size -= got;
    }
    return true;
}

static bool read_frame(SSL *tls, struct frame *ret)
{
    unsigned char head[9];
    if (!read_bytes(tls, head, sizeof(head)))
        return false;
    ret->size = (unsigned)head[0] << 16 | (unsigned)head[1] << 8 | head[2];
    ret->type = head[3];
    ret->flags = head[4];
    ret->stream = ((unsigned)head[5] << 24 | (unsigned)head[6] << 16 | (unsigned)head[7] << 8 | head[8]) & 0x7fffffff;
    return ret->size <= sizeof(ret->bytes) && read_bytes(tls, ret->bytes, ret->size);
}

static bool write_frame(SSL *tls, unsigned type, unsigned flags, unsigned stream, const void *bytes, size_t size)
{
    unsigned char frame[9 + 64] = { 0, 0, (unsigned char)size, (unsigned char)type, (unsigned char)flags };
    for (int i = 0; i < 4; i++)
        frame[5 + i] = (unsigned char)(stream >> (24 - 8 * i));
    if (size > 0)
        memcpy(frame + 9, bytes, size);
    size_t written;
    return SSL_write_ex(tls, frame, 9 + size, &written) == 1;
}

static bool answer_stream(SSL *tls, unsigned stream, unsigned count)
{
    static const unsigned char status_200 = 0x88; /* HPACK has this one in its static table */
    char said[32];
    int size = snprintf(said, sizeof(said), "connection %u", count);
    return write_frame(tls, HEADERS, END_HEADERS, stream, &status_200, 1) &&
           write_frame(tls, DATA, END_STREAM, stream, said, (size_t)size);
}

static void serve_frames(SSL *tls, unsigned count)
{
    struct frame frame;
    unsigned open[SERVER_TOGETHER], opened = 0;
    bool ok = read_bytes(tls, frame.bytes, 24) && write_frame(tls, SETTINGS, 0, 0, NULL, 0); /* the preface */
    while (ok && read_frame(tls, &frame) && frame.type != GOAWAY) {
        if (frame.type == SETTINGS && !(frame.flags & ACKNOWLEDGED))
            ok = write_frame(tls, SETTINGS, ACKNOWLEDGED, 0, NULL, 0);
        else if (frame.type == PING && !(frame.flags & ACKNOWLEDGED))
            ok = write_frame(tls, PING, ACKNOWLEDGED, 0, frame.bytes, 8);
        else if ((frame.type == HEADERS || frame.type == DATA) && frame.flags & END_STREAM)
            open[opened++] = frame.stream;
        if (opened < SERVER_TOGETHER)
            continue;
        while (ok && opened > 0)
            ok = answer_stream(tls, open[--opened], count);
    }
}

static int choose_http2(SSL *tls, const unsigned char **ret, unsigned char *ret_size, const unsigned char *offered,
                        unsigned size, void *context)
{
    (void)tls;
    (void)context;
    for (unsigned at = 0; at < size; at += offered[at] + 1U) {
        if (offered[at] == 2 && memcmp(offered + at + 1, "h2", 2) == 0) {
            *ret = offered + at + 1;
            *ret_size = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool server_http2(int client, unsigned count)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        return false;
    SSL_CTX_set_alpn_select_cb(context, choose_http2, NULL);
    SSL *tls = SSL_new(context);
    if (tls && SSL_set_fd(tls, client) == 1 && SSL_accept(tls) == 1)
        serve_frames(tls, count);
    SSL_free(tls);
    SSL_CTX_free(context);
    return false;
}
