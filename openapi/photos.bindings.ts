/**
 * Which store call answers each read of photos.yaml, and how its items become the response.
 *
 * DynamoDB has one table `photos` (pk, sk, one index gsi1), names in snake case, times in epoch milliseconds. MongoDB has
 * the collections `members`, `rooms`, `posts` and `files`, with embedded documents, ObjectIds and Dates. Writes have no
 * binding: they pass to the legacy service.
 */
import { ObjectId } from 'mongodb';
import { bind, key } from '../src/index.ts';

const TableName = 'photos';

const avatar = (name: string | undefined) => name && `https://cdn.photos.example/avatars/${name}`;
const fail =
  (code: string, message: string) =>
  ({ parameter }: { parameter: string | undefined }) => ({
    body: { error: { code, message, parameter } },
  });

export default bind({
  contract: './photos.yaml',
  name: 'photos',
  tenant: ({ headers }) => headers['x-tenant-id'],
  auth: { mode: 'gateway' },
  freshness: { by: 'the demo sync', within: '1s' },
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': undefined },
  errors: {
    notFound: () => ({ body: { error: { code: 'NOT_FOUND', message: 'There is no such thing' } } }),
    missingParameter: fail('BAD_REQUEST', 'A parameter is missing'),
    invalidParameter: fail('BAD_REQUEST', 'A parameter is not as documented'),
    unknownParameter: fail('BAD_REQUEST', 'A parameter is not known'),
    invalidBody: fail('BAD_REQUEST', 'The body is not as documented'),
    invalidCursor: () => ({
      body: { error: { code: 'BAD_REQUEST', message: 'A parameter is not as documented', parameter: 'cursor' } },
    }),
    unavailable: () => ({ body: { error: { code: 'UNAVAILABLE', message: 'A database does not answer' } } }),
    timeout: () => ({ body: { error: { code: 'TIMEOUT', message: 'A database did not answer in time' } } }),
    internal: () => ({ body: { error: { code: 'INTERNAL', message: 'Something went wrong here' } } }),
  },

  shapes: {
    Conversation: {
      '/id': { dynamodb: 'conversation_id', mongodb: 'ref' },
      '/title': { mongodb: 'name' },
      '/memberIds': { dynamodb: 'member_ids', mongodb: 'members' },
      '/messageCount': { dynamodb: 'message_count', mongodb: 'stats.messages' },
      '/createdAt': { dynamodb: { from: 'created_at', as: 'epoch-millis' }, mongodb: 'openedAt' },
      '/lastMessageAt': { dynamodb: { from: 'last_message_at', as: 'epoch-millis' }, mongodb: 'lastAt' },
    },
    Message: {
      '/id': { dynamodb: 'message_id', mongodb: '_id' },
      '/conversationId': { dynamodb: 'conversation_id', mongodb: 'roomRef' },
      '/senderId': { dynamodb: 'sender_id', mongodb: 'author.userId' },
      '/text': { mongodb: 'content.text' },
      '/location/latitude': { dynamodb: 'location.lat', mongodb: 'location.lat' },
      '/location/longitude': { dynamodb: 'location.lng', mongodb: 'location.lng' },
      '/attachmentIds': { dynamodb: { from: 'attachment_ids', absent: [] }, mongodb: 'files' },
      '/seenBy': { dynamodb: { from: 'seen_by', absent: [] } },
      '/createdAt': { dynamodb: { from: 'created_at', as: 'epoch-millis' }, mongodb: 'sentAt' },
      '/editedAt': { dynamodb: { from: 'edited_at', as: 'epoch-millis' } },
    },
    Attachment: {
      '/id': { dynamodb: 'attachment_id', mongodb: '_id' },
      '/messageId': { dynamodb: 'message_id', mongodb: 'postId' },
      '/fileName': { dynamodb: 'file_name', mongodb: 'name' },
      '/contentType': { dynamodb: 'content_type', mongodb: 'media.type' },
      '/sizeBytes': { dynamodb: 'size_bytes', mongodb: 'media.bytes' },
      '/checksum': { dynamodb: 'sha256', mongodb: 'media.sha256' },
      '/takenOn': { dynamodb: 'taken_on' },
      '/createdAt': { dynamodb: { from: 'created_at', as: 'epoch-millis' } },
    },
  },

  operations: {
    getUser: {
      dynamodb: ({ tenant, path }) => ({
        GetItem: { TableName, Key: { pk: key`${tenant}#USER#${path.userId}`, sk: 'PROFILE' } },
      }),
      mongodb: ({ tenant, path }) => ({
        findOne: { collection: 'members', filter: { tenantId: tenant, userId: path.userId } },
      }),
      response: {
        '/id': { dynamodb: 'user_id', mongodb: 'userId' },
        '/displayName': { dynamodb: 'display_name', mongodb: 'profile.displayName' },
        '/email': { mongodb: 'profile.email' },
        '/avatarUrl': {
          dynamodb: (item) => avatar(item.avatar_key),
          mongodb: (item) => avatar(item.profile?.avatarKey),
        },
        '/storageBytes': { dynamodb: 'storage_bytes', mongodb: 'usage.storageBytes' },
        '/createdAt': { dynamodb: { from: 'created_at', as: 'epoch-millis' } },
        '/lastSeenAt': { dynamodb: { from: 'last_seen_at', as: 'epoch-millis' } },
      },
    },

    listConversations: {
      dynamodb: ({ tenant, page }) => ({
        Query: {
          TableName,
          IndexName: 'gsi1',
          KeyConditionExpression: 'gsi1pk = :t',
          ExpressionAttributeValues: { ':t': key`${tenant}#CONVERSATIONS` },
          ScanIndexForward: false,
          ExclusiveStartKey: page.after && {
            gsi1pk: key`${tenant}#CONVERSATIONS`,
            gsi1sk: key`${page.after.at}#${page.after.id}`,
            pk: key`${tenant}#CONVERSATION#${page.after.id}`,
            sk: 'ABOUT',
          },
        },
      }),
      mongodb: ({ tenant, page }) => ({
        find: {
          collection: 'rooms',
          filter: { tenantId: tenant },
          sort: { lastAt: -1, ref: -1 },
          after: page.after && { lastAt: new Date(Number(page.after.at)), ref: page.after.id },
        },
      }),
      items: '/conversations',
      page: {
        limit: ({ query }) => query.limit,
        cursor: ({ query }) => query.cursor,
        position: {
          // the same plain values from either store
          dynamodb: (last) => ({ at: last.last_message_at, id: last.conversation_id }),
          mongodb: (last) => ({ at: last.lastAt.getTime(), id: last.ref }),
        },
        next: '/nextCursor',
      },
      key: '/id',
    },

    getConversation: {
      dynamodb: ({ tenant, path }) => ({
        GetItem: { TableName, Key: { pk: key`${tenant}#CONVERSATION#${path.conversationId}`, sk: 'ABOUT' } },
      }),
      mongodb: ({ tenant, path }) => ({
        findOne: { collection: 'rooms', filter: { tenantId: tenant, ref: path.conversationId } },
      }),
    },

    listMessages: {
      dynamodb: ({ tenant, path, query, page }) => ({
        Query: {
          TableName,
          KeyConditionExpression: 'pk = :c',
          ...(query.kind && { FilterExpression: '#kind = :kind', ExpressionAttributeNames: { '#kind': 'kind' } }),
          ExpressionAttributeValues: {
            ':c': key`${tenant}#MESSAGES#${path.conversationId}`,
            ...(query.kind && { ':kind': query.kind }),
          },
          ScanIndexForward: false,
          ExclusiveStartKey: page.after && {
            pk: key`${tenant}#MESSAGES#${path.conversationId}`,
            sk: page.after.sk,
          },
        },
      }),
      mongodb: ({ tenant, path, query, page }) => ({
        find: {
          collection: 'posts',
          filter: { tenantId: tenant, roomRef: path.conversationId, ...(query.kind && { kind: query.kind }) },
          sort: { sk: -1 },
          after: page.after,
        },
      }),
      items: '/messages',
      page: {
        limit: ({ query }) => query.limit,
        cursor: ({ query }) => query.cursor,
        position: ['sk'],
        next: '/nextCursor',
      },
      key: '/id',
    },

    getMessage: {
      dynamodb: ({ tenant, path }) => ({
        Query: {
          TableName,
          IndexName: 'gsi1',
          KeyConditionExpression: 'gsi1pk = :m',
          ExpressionAttributeValues: { ':m': key`${tenant}#MESSAGE#${path.messageId}` },
        },
      }),
      mongodb: ({ tenant, path }) => ({
        findOne: { collection: 'posts', filter: { tenantId: tenant, _id: new ObjectId(path.messageId) } },
      }),
    },

    listAttachments: {
      dynamodb: async ({ tenant, path }, read) => {
        const [message] = await read({
          Query: {
            TableName,
            IndexName: 'gsi1',
            KeyConditionExpression: 'gsi1pk = :m',
            ExpressionAttributeValues: { ':m': key`${tenant}#MESSAGE#${path.messageId}` },
          },
        });
        const ids: string[] = [...(message?.attachment_ids ?? [])].sort();
        if (ids.length === 0) return [];
        const Keys = ids.map((id) => ({ pk: key`${tenant}#ATTACHMENT#${id}`, sk: 'ABOUT' }));
        return { BatchGetItem: { TableName, Keys } };
      },
      mongodb: ({ tenant, path }) => ({
        find: {
          collection: 'files',
          filter: { tenantId: tenant, postId: new ObjectId(path.messageId) },
          sort: { _id: 1 },
        },
      }),
      items: '/attachments',
      key: '/id',
    },

    getAttachment: {
      dynamodb: ({ tenant, path }) => ({
        GetItem: { TableName, Key: { pk: key`${tenant}#ATTACHMENT#${path.attachmentId}`, sk: 'ABOUT' } },
      }),
      mongodb: ({ tenant, path }) => ({
        findOne: { collection: 'files', filter: { tenantId: tenant, _id: path.attachmentId } },
      }),
    },
  },
});
