// People who write on Matrix with matrix-js-sdk, the client under Element. On standard input lines of JSON say what they
// do; on standard output lines of JSON tell what their screens show, as the library has put it together.
import { Attachment, EncryptedAttachment } from "@matrix-org/matrix-sdk-crypto-wasm";
import { ClientEvent, MatrixEventEvent, RoomEvent, RoomMemberEvent, createClient } from "matrix-js-sdk";
import {
    AllDevicesIsolationMode,
    EventShieldColour,
    EventShieldReason,
    OnlySignedDevicesIsolationMode,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { once } from "node:events";
import { createInterface } from "node:readline";

// Standard output is for lines only, and the encryption writes a lot into the console.
for (const level of ["debug", "info", "log", "trace", "warn"]) console[level] = () => {};
const quiet = { debug() {}, info() {}, trace() {}, warn() {}, error: console.error, getChild: () => quiet };

// As in a browser: what the library does by the way may fail, like asking for the root of a thread from before somebody came.
process.on("unhandledRejection", (error) => console.error(String(error)));

const MESSAGES = ["m.room.message", "m.room.encrypted", "m.sticker"];
const people = new Map();

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n");

class Person {
    constructor({ who, origin, device, token }) {
        this.who = who;
        this.client = createClient({
            baseUrl: origin,
            userId: who,
            deviceId: device,
            accessToken: token,
            logger: quiet,
        });
        // By id, in the order in which they came.
        this.events = new Map();
        this.told = new Map();
        this.sent = new Map();
        this.seen = new Set();
        this.dirty = new Set();
        this.looking = undefined;
        this.ended = false;
    }

    async start({ isolated }) {
        const client = this.client;
        await client.initRustCrypto({ useIndexedDB: false });
        const crypto = client.getCrypto();
        crypto.setDeviceIsolationMode(
            isolated ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(false),
        );
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (make) => make(null) });
        client.on(ClientEvent.Event, (event) => this.came(event));
        for (const change of [MatrixEventEvent.Decrypted, MatrixEventEvent.Replaced])
            client.on(change, (event) => this.changed(event.getRoomId()));
        client.on(RoomEvent.Redaction, (event, room) => this.changed(room.roomId));
        client.on(RoomEvent.Receipt, (event, room) =>
            write({ who: this.who, room: room.roomId, read: readByOthers(event, this.who) }),
        );
        client.on(RoomMemberEvent.Typing, (event, { roomId }) => {
            const typing = event.getContent().user_ids.filter((each) => each !== this.who);
            write({ who: this.who, room: roomId, typing });
        });
        client.on(RoomEvent.MyMembership, (room) => this.changed(room.roomId));
        const prepared = new Promise((resolve) => {
            client.on(ClientEvent.Sync, (state) => {
                for (const room of client.getRooms()) this.changed(room.roomId);
                if (state === "PREPARED") resolve();
            });
        });
        await client.startClient({ threadSupport: true, disablePresence: true, initialSyncLimit: 100 });
        await prepared;
        return {};
    }

    came(event) {
        const room = event.getRoomId();
        if (!room) return;
        this.seen.add(event.getId());
        const sent = event.getUnsigned().transaction_id;
        if (sent) this.sent.set(sent, event.getId());
        if (MESSAGES.includes(event.getType()) && !this.events.has(event.getId())) this.events.set(event.getId(), event);
        this.changed(room);
    }

    changed(room) {
        this.dirty.add(room);
        this.looking ??= this.lookAround().finally(() => (this.looking = undefined));
    }

    async lookAround() {
        // What comes together is looked at together.
        await new Promise(setImmediate);
        for (const room of this.dirty) {
            this.dirty.delete(room);
            await this.look(room);
        }
    }

    // Tells what has changed in a room.
    async look(id) {
        const room = this.client.getRoom(id);
        if (!room) return;
        const state = {
            members: Object.fromEntries(room.getMembers().map((each) => [each.userId, each.membership ?? ""])),
            mine: room.getMyMembership(),
            encrypted: room.hasEncryptionStateEvent(),
        };
        if (this.isNews(id, state)) write({ who: this.who, room: id, state });
        for (const [name, came] of this.events) {
            if (this.ended || came.getRoomId() !== id) continue;
            const event = room.findEventById(name) ?? came;
            if (event.isBeingDecrypted()) await event.getDecryptionPromise();
            const message = shown(room, event);
            if (!this.isNews(name, message)) continue;
            write({ who: this.who, room: id, message: { ...message, shield: await this.shield(event) } });
        }
    }

    // Waits until everything up to an event is told.
    async catchUp({ room, event }) {
        while (!this.seen.has(event)) await once(this.client, ClientEvent.Event);
        for (const came of this.events.values()) await came.getDecryptionPromise();
        this.changed(room);
        while (this.looking) await this.looking;
        return {};
    }

    isNews(name, what) {
        const said = JSON.stringify(what);
        if (this.told.get(name) === said) return false;
        this.told.set(name, said);
        return true;
    }

    async shield(event) {
        if (!event.isEncrypted() || event.isDecryptionFailure() || event.isRedacted()) return "";
        const info = await this.client.getCrypto().getEncryptionInfoForEvent(event);
        if (info === null) return "NOT_KNOWN";
        return info.shieldColour === EventShieldColour.NONE ? "" : EventShieldReason[info.shieldReason];
    }

    async send({ room, kind, content, thread, tx }) {
        if (this.sent.has(tx)) return this.repeat(room, tx);
        const name = tx || this.client.makeTxnId();
        try {
            this.sent.set(name, (await this.client.sendEvent(room, thread || null, kind, content, name)).event_id);
        } catch (error) {
            // The library does not expect that a message in a thread comes back before the answer to sending it.
            if (!String(error).includes("not a local echo")) throw error;
            while (!this.sent.has(name)) await once(this.client, ClientEvent.Event);
        }
        return this.sent.get(name);
    }

    // As an app does that never got the answer.
    async repeat(room, tx) {
        const { type, content } = await this.client.fetchRoomEvent(room, this.sent.get(tx));
        const path = `/rooms/${encodeURIComponent(room)}/send/${type}/${encodeURIComponent(tx)}`;
        return (await this.client.http.authedRequest("PUT", path, undefined, content)).event_id;
    }

    async redact({ room, event }) {
        return (await this.client.redactEvent(room, event)).event_id;
    }

    async open({ others, encrypted }) {
        const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };
        const made = await this.client.createRoom({
            is_direct: true,
            invite: others,
            preset: "private_chat",
            initial_state: encrypted ? [encryption] : [],
        });
        return made.room_id;
    }

    async join({ room }) {
        await this.client.joinRoom(room);
        return {};
    }

    async invite({ room, other }) {
        await this.client.invite(room, other);
        return {};
    }

    async leave({ room }) {
        await this.client.leave(room);
        return {};
    }

    async kick({ room, other }) {
        await this.client.kick(room, other);
        return {};
    }

    // What stands in a message about a file, once it is at the server.
    async upload({ data, name, encrypted }) {
        const bytes = Buffer.from(data, "base64");
        if (!encrypted) {
            const sent = await this.client.uploadContent(bytes, { type: "application/octet-stream", name });
            return { url: sent.content_uri };
        }
        const closed = Attachment.encrypt(bytes);
        const sent = await this.client.uploadContent(Buffer.from(closed.encryptedData), {
            type: "application/octet-stream",
            includeFilename: false,
        });
        return { file: { ...JSON.parse(closed.mediaEncryptionInfo), url: sent.content_uri } };
    }

    async download({ url, file }) {
        const address = this.client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true);
        const answer = await fetch(address, { headers: { Authorization: `Bearer ${this.client.getAccessToken()}` } });
        if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        const open = file ? Attachment.decrypt(new EncryptedAttachment(bytes, JSON.stringify(file))) : bytes;
        return Buffer.from(open).toString("base64");
    }

    async stop() {
        this.ended = true;
        await this.looking;
        this.client.stopClient();
        people.delete(this.who);
        return {};
    }
}

// A message as the library would have it shown: edits applied, in its thread, with the reactions it has now.
function shown(room, event) {
    const reactions = room.relations.getChildEventsForEvent(event.getId(), "m.annotation", "m.reaction");
    const root = event.threadRootId ?? "";
    return {
        id: event.getId(),
        sender: event.getSender(),
        content: event.getContent(),
        encrypted: event.isEncrypted(),
        edited: Boolean(event.replacingEvent()),
        redacted: event.isRedacted(),
        isEdit: event.isRelation("m.replace"),
        root: root === event.getId() ? "" : root,
        failure: event.isDecryptionFailure() ? event.decryptionFailureReason : "",
        reactions: (reactions?.getSortedAnnotationsByKey() ?? []).map(([key, by]) => [
            key,
            [...by].map((each) => each.getSender()),
        ]),
    };
}

function readByOthers(event, who) {
    return Object.entries(event.getContent())
        .filter(([, kinds]) => Object.keys(kinds["m.read"] ?? {}).some((each) => each !== who))
        .map(([id]) => id);
}

createInterface({ input: process.stdin })
    .on("line", async (line) => {
        const { id, act, ...given } = JSON.parse(line);
        try {
            if (act === "start") people.set(given.who, new Person(given));
            write({ id, value: await people.get(given.who)[act](given) });
        } catch (error) {
            write({ id, error: String(error) });
        }
    })
    .on("close", () => process.exit(0));
