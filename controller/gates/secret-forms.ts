/** A secret's form: what people call it, and how it is written. Every pattern is linear in the length of the text. */
export type SecretForm = { name: string; pattern: RegExp }

/** Forms beyond those of secretlint's recommended rules. */
export const SECRET_FORMS: readonly SecretForm[] = [
  { name: 'API key of this system', pattern: /\bctr_[a-z0-9-]{1,63}_[a-z0-9-]{1,63}_[0-9a-f]{64}\b/g },
  { name: 'Google API key', pattern: /\bAIza[\w-]{35}(?![\w-])/g },
  { name: 'Google OAuth client secret', pattern: /\bGOCSPX-[\w-]{28}(?![\w-])/g },
  { name: 'GitLab token', pattern: /\bgl(?:pat|dt|rt|ptt|cbt|soat)-[\w-]{20,64}(?![\w-])/g },
  { name: 'Stripe key', pattern: /\b[sr]k_live_[A-Za-z0-9]{16,128}\b/g },
  { name: 'Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{34}\b/g },
  { name: 'PyPI token', pattern: /\bpypi-AgEIcHlwaS5vcmc[\w-]{50,256}(?![\w-])/g },
  { name: 'Azure storage key', pattern: /\bAccountKey=[A-Za-z0-9+/]{86}==/g },
  { name: 'signed JSON Web Token', pattern: /\beyJ[\w-]{10,1024}\.eyJ[\w-]{10,4096}\.[\w-]{20,1024}(?![\w-])/g },
  // Encrypted PEM, OpenPGP and other armours have headers that secretlint takes for a placeholder.
  {
    name: 'private key',
    pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^]{0,400}?[A-Za-z0-9+/]{40}/g,
  },
]
