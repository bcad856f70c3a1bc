/** `tenants/<tenant>/aliases/<alias>.yaml`; `digest` may be left out in `draft.yaml` only. */
export type Alias = { bundle: string; version: string; digest?: string }
