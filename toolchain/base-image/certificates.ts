import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { execa } from "execa";

/** Where systems keep the bundle of all authorities they trust: Debian, Red Hat, SUSE, Alpine, macOS. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Where an administrator's own authorities lie on macOS; /etc/ssl/cert.pem does not have them. */
const MAC_KEYCHAIN = "/Library/Keychains/System.keychain";

/** The certificates in a text of PEM blocks, in one spelling: 64 columns, no comments; each once, sorted. */
export function parseCertificates(text: string): string[] {
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
  const spelled = Array.from(blocks, ([, body = ""]) => {
    const lines = body.replaceAll(/\s+/g, "").match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  });
  return [...new Set(spelled)].sort();
}

/**
 * Name of a certificate's file in the build context: the SHA-256 of its text. Debian spells the certificates that
 * it ships in the same way, so the Dockerfile can tell by the name that one is there already.
 */
export function certificateFileName(certificate: string): string {
  return `${createHash("sha256").update(certificate).digest("hex")}.crt`;
}

/** Whether a certificate may vouch for others: CA:TRUE in its basic constraints. */
function isAuthority(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).ca;
  } catch {
    return false;
  }
}

/** All authorities that this machine trusts: its system's, and those that its environment adds for its tools. */
export async function machineCertificates(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Promise<string[]> {
  const system = SYSTEM_BUNDLES.find((file) => existsSync(file));
  const files = [system, env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].filter(
    (file) => file !== undefined && file !== "" && existsSync(file),
  ) as string[];
  const texts = [...new Set(files)].map((file) => readFileSync(file, "utf8"));
  if (platform === "darwin") {
    const { stdout } = await execa("security", ["find-certificate", "-a", "-p", MAC_KEYCHAIN], {
      reject: false,
    });
    // It also keeps certificates of this Mac's own services, which come and go and are no authorities.
    texts.push(...parseCertificates(stdout ?? "").filter(isAuthority));
  }
  return parseCertificates(texts.join("\n"));
}
