/** What a subject can be: the values of `sub.kind`. */
export const subjectKinds = {
  user: "a person whom a token or a certificate names",
  service: "a program whom a token or a certificate names",
  client: "a caller over the network that showed a key; whether a person or a program is not known",
  anonymous: "a caller over the network that nobody has identified",
  operator: "whoever runs a command on the machine itself",
  system: "a part of Cupel that acts by itself",
} as const;

export type SubjectKind = keyof typeof subjectKinds;
