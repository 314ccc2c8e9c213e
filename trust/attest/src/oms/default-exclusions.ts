/** What OMS does not sign where nothing else is said: the signature itself, and what belongs to git, at the top only. */

export const modelSignatureFile = "model.sig";

export const gitPaths = [".git", ".gitattributes", ".github", ".gitignore"] as const;
