/** With which code the server closes a socket (RFC 6455, section 7.4.1). How a call ended is in its trailers. */
export const closeCodes = {
  /** The call is over, well or not. */
  over: 1000,
  /** The server stops. */
  stopping: 1001,
  /** Frames that are none, or in an order that has no meaning. */
  protocol: 1002,
  /** A text message. */
  text: 1003,
  /** Headers or request did not come in time. */
  late: 1008,
  /** Headers, or a WebSocket message, over their limit. */
  tooLarge: 1009,
  /** A defect of the server. */
  defect: 1011,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];
