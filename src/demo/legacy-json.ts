/** How the legacy service writes what its table holds. `undefined` is left out by JSON. */

// biome-ignore lint/suspicious/noExplicitAny: items of a schemaless table
export type Row = Record<string, any>;

export function userJson(item: Row) {
  return {
    id: item.user_id,
    displayName: item.display_name,
    email: item.email,
    avatarUrl: item.avatar_key && `https://cdn.photos.example/avatars/${item.avatar_key}`,
    storageBytes: item.storage_bytes,
    rating: item.rating,
    createdAt: time(item.created_at),
    lastSeenAt: time(item.last_seen_at),
  };
}

export function conversationJson(item: Row) {
  return {
    id: item.conversation_id,
    title: item.title,
    memberIds: [...item.member_ids].sort(),
    messageCount: item.message_count,
    createdAt: time(item.created_at),
    lastMessageAt: time(item.last_message_at),
  };
}

export function messageJson(item: Row) {
  return {
    id: item.message_id,
    conversationId: item.conversation_id,
    senderId: item.sender_id,
    kind: item.kind,
    text: item.text,
    location: item.location && { latitude: item.location.lat, longitude: item.location.lng },
    attachmentIds: [...(item.attachment_ids ?? [])].sort(),
    seenBy: [...(item.seen_by ?? [])].sort(),
    createdAt: time(item.created_at),
    editedAt: time(item.edited_at),
  };
}

export function attachmentJson(item: Row) {
  return {
    id: item.attachment_id,
    messageId: item.message_id,
    fileName: item.file_name,
    contentType: item.content_type,
    sizeBytes: item.size_bytes,
    checksum: Buffer.from(item.sha256).toString('base64'),
    takenOn: item.taken_on,
    createdAt: time(item.created_at),
  };
}

function time(millis: number | null | undefined) {
  return typeof millis === 'number' ? new Date(millis).toISOString() : millis;
}
