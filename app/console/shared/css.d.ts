/** Style sheets are imported for their effect; Vite gathers them into one. */
declare module "*.css" {}
