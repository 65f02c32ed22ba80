/** What help says of the options about seals, the same for every verb that has them. */
export const SEAL_KEY_OPTION =
  "seal key of a stack that you had before: what it sealed counts as this stack's own";
export const TRUST_OPTION = "load it although this stack did not seal it: you know who made it";
