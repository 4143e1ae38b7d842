/* limits.h - every ceiling of the system, each with its reason. */
#ifndef BM_LIMITS_H
#define BM_LIMITS_H

#define BM_HASH 32                   /* SHA-256, the only hash of trees, slots and records */
#define BM_MAX_NAME 64               /* names of lots, orders, profiles, services, vendors, operators, sites */
#define BM_MAX_ID 64                 /* a chip's label: 9 bytes in hex at Microchip, 27 at Infineon, a UUID elsewhere */
#define BM_MAX_DN 512                /* a subject or issuer that we build */
#define BM_MAX_SERIAL 20             /* RFC 5280 4.1.2.2 */
#define BM_MAX_SPKI 1024             /* RSA-4096 is 550 bytes; larger keys buy nothing and cost time */
#define BM_MAX_SIGNATURE 512         /* RSA-4096 */
#define BM_MAX_CSR 8192              /* RSA-4096 with attributes is under 2 KiB */
#define BM_MAX_CERT 8192             /* one certificate, ours or foreign: real device certificates are under 2 KiB */
#define BM_MAX_CHIP_KEYS 8           /* an Infineon part has three, a TPM up to four endorsement keys */
#define BM_MAX_CHIP_HASHES 8         /* hashes of the vendor's signed bytes for one chip */
#define BM_MAX_LEAF 8192             /* a lot leaf: eight RSA-4096 keys do not occur together */
#define BM_MAX_LOT_CHIPS 1000000     /* a reel is 3,000 to 10,000 chips; a million keys in one pin is a planning error */
#define BM_MAX_VENDOR (1u << 20)     /* a vendor's record: the certificates of all makers of TPMs together are 185 KB */
#define BM_MAX_LOT_PARTS 1000        /* files of one divided delivery */
#define BM_MAX_LOT_FILE (1u << 30)   /* 1 GiB: a million chips with certificates */
#define BM_MAX_PROOF 64              /* hashes in a Merkle proof: a tree of 2^64 leaves has no more */
#define BM_MAX_CAS 64                /* issuing CAs that a site ever had: a number of theirs is a byte in records and messages */
#define BM_MAX_KEYS (BM_MAX_CAS + 1) /* of the signer that may be in tokens: each CA's, and the one that answers OCSP questions */
#define BM_MAX_ROOTS 8               /* that a site ever had: one in ten years */
#define BM_MAX_NOTE 65536            /* a signed note with its signatures */
#define BM_MAX_NOTE_SIGS 16          /* C2SP signed-note: verifiers accept at least 16 */
#define BM_MAX_STATEMENT 32768       /* an order that names a few hundred lots and carries its profiles */
#define BM_MAX_PROFILE 4096          /* a profile's text */
#define BM_MAX_EVIDENCE 49152        /* a whole evidence bundle: leaf, proof, CMC or TPM structures, CSR, certificates */
#define BM_MAX_EVENT 4096            /* one ledger event in plain */
#define BM_MAX_HTTP_BODY 131072      /* base64 of the largest evidence, and a margin */
#define BM_MAX_JSON 131072           /* a JSON document from a peer */
#define BM_MAX_JSON_DEPTH 16         /* ours need 5 */
#define BM_MAX_MESSAGE 131072        /* one message between our processes; fits a SEQPACKET socket's default buffer */
#define BM_MESSAGE_PART 98304        /* of what is longer than a message: bytes that one carries, with room for what stands around them */
#define BM_MAX_ORDER_LOTS 256
#define BM_MAX_ORDER_PROFILES 16
#define BM_MAX_ORDER_STATIONS 16 /* lines of one factory that work on one order */
#define BM_MAX_ERASED \
    8192 /* a device's word that it erased itself: 32 identities with the longest names are 4,700 bytes, an RSA key and signature 1,500 */
#define BM_MAX_SERVICES 32          /* identities of one chip */
#define BM_MAX_REPLACED 3           /* times a provisional identity may be replaced by the same root key */
#define BM_NONCE 32                 /* HMAC-SHA-256 */
#define BM_NONCE_EPOCH 300          /* seconds; a nonce is good for its own epoch and the next */
#define BM_CLOCK_FLOOR 1704067200   /* 2024-01-01T00:00:00Z: a clock before it was never set */
#define BM_CLOCK_JUMP (400 * 86400) /* seconds that the clock may lie ahead of the last signed time: a site may rest a year */

/* Archives (Infineon's 7z of 7z) */
#define BM_MAX_ARCHIVE_DEPTH 2               /* an archive in an archive, and no deeper */
#define BM_MAX_ARCHIVE_ENTRIES 100000        /* of one delivery: 10,000 chips with three certificates each, and a margin */
#define BM_MAX_ARCHIVE_INNER (32u << 20)     /* an archive in an archive, packed: 10,000 certificates take 7 MB */
#define BM_MAX_ARCHIVE_EXPANDED (256u << 20) /* all that a delivery's archives declare: 30,000 certificates and their archives are 60 MB */
#define BM_MAX_ARCHIVE_DIRECTORY (16u << 20) /* a 7z's own list of what is in it, packed: 20 bytes a file */
#define BM_MAX_ARCHIVE_NAME 200              /* of a file in it, without directories: Infineon's longest has 70 characters */
#define BM_MAX_ARCHIVE_PART 65536            /* expanded at a time */
#define BM_MAX_PEM_FILE 16384                /* one certificate of BM_MAX_CERT as PEM, and a comment */

#endif
