"""Notices of gateways, filters and providers, written after the shapes that they use."""

from __future__ import annotations

from tests.campaigns.incoming.server_notices import Shape

GATEWAYS = {
    "exchange 5.5": Shape(
        "Your message\n\n  To:      dead@shop.example\n  Subject: Your website\n"
        "  Sent:    Mon, 2 Nov 2026 09:15:00 +0100\n\n"
        "did not reach the following recipient(s):\n\n"
        "dead@shop.example on Mon, 2 Nov 2026 09:15:09 +0100\n"
        "    The recipient name is not recognized\n"
        "\tThe MTS-ID of the original message is: c=gb;a= ;p=shop;l=EX1-261102-7\n"
        "    MSEXCH:IMS:SHOP:MAIN:EX1 0 (000C05A6) Unknown Recipient\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable: Your website", "from": "System Administrator <postmaster@mx.example>"},
    ),
    "exchange 5.5, too large": Shape(
        "did not reach the following recipient(s):\n\n"
        "dead@shop.example on Mon, 2 Nov 2026 09:15:09 +0100\n"
        "    MSEXCH:IMS:SHOP:MAIN:EX1 3550 (000B09B6) 552 Message exceeds size limit\n",
        "5.3.4", "too_large", False,
        headers={"subject": "Undeliverable: Your website"},
    ),
    "exchange 2010": Shape(
        "dead@shop.example\nThe e-mail address you entered could not be found. Please\n"
        "check the address.\n\nDiagnostic information for administrators:\n\n"
        "Generating server: ex1.shop.example\n\ndead@shop.example\n"
        "#550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found ##\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable: Your website"},
    ),
    "exchange in french, only for members": Shape(
        "Échec de la remise pour ces destinataires ou ces listes de distribution :\n\n"
        "dead@shop.example\n"
        "Vous n'êtes pas autorisé à envoyer un message à ce destinataire.\n\n"
        "Informations de diagnostic pour les administrateurs :\n\n"
        "dead@shop.example\n#550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized ##\n",
        "5.7.1", "policy", False,
        headers={"subject": "Non remis : Your website"},
    ),
    "office 365": Shape(
        "dead@shop.example\nRemote server returned '550 5.1.10\n"
        "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'\n",
        "5.1.10", "user_unknown", True,
        headers={"subject": "Undeliverable: Your website"},
    ),
    "office 365, at its edge": Shape(
        "dead@shop.example\nRemote server returned '550 5.4.1 Recipient address rejected:\n"
        "Access denied. AS(201806281) [mx.prod.outlook.example]'\n",
        "5.4.1", "user_unknown", True,
        headers={"subject": "Undeliverable: Your website"},
    ),
    "gmail, with what the other server said": Shape(
        "Delivery to the following recipient failed permanently:\n\n"
        "     dead@shop.example\n\nTechnical details of permanent failure:\n"
        "Google tried to deliver your message, but it was rejected by the recipient\n"
        "domain. The error that the other server returned was:\n"
        "550 550 5.1.1 <dead@shop.example>... User Unknown (state 14).\n\n"
        "----- Original message -----\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Delivery Status Notification (Failure)", "x_failed_recipients": "dead@shop.example"},
    ),
    "gmail, a domain that is not there": Shape(
        "** Address not found **\n\nYour message wasn't delivered to dead@shop.example\n"
        "because the domain shop.example couldn't be found.\n\nThe response was:\n\n"
        "DNS Error: 26130 DNS type 'mx' lookup of shop.example responded with code\n"
        "NXDOMAIN Domain name not found: shop.example\n",
        "5.1.2", "host_unknown", True,
        headers={"subject": "Delivery Status Notification (Failure)"},
    ),
    "gmail, delayed": Shape(
        "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
        "Delivery to the following recipient has been delayed:\n\n     dead@shop.example\n\n"
        "Message will be retried for 2 more day(s)\n\n"
        "Technical details of temporary failure:\n"
        "450 450 4.2.2 <dead@shop.example>... Mailbox Full (state 14).\n",
        "4.2.2", "mailbox_full", False,
        headers={"subject": "Delivery Status Notification (Delay)"},
    ),
    "google groups": Shape(
        "Hello anna@studio.example,\n\n"
        "We're writing to let you know that the group you tried to contact (shop) may\n"
        "not exist, or you may not have permission to post messages to the group. A few\n"
        "more details on why you weren't able to post:\n\n"
        " * You might have spelled or formatted the group name incorrectly.\n"
        " * The owner of the group may have removed this group.\n"
        " * You may need to join the group before receiving permission to post.\n"
        " * This group may not be open to posting.\n",
        "5.7.1", "policy", False,
        headers={"subject": "Delivery Status Notification (Failure)", "x_failed_recipients": "dead@shop.example"},
    ),
    "yahoo": Shape(
        "Sorry, we were unable to deliver your message to the following address.\n\n"
        "<dead@shop.example>:\n554: delivery error: dd This user doesn't have a\n"
        "shop.example account (dead@shop.example) [-9]\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Failure Notice"},
    ),
    "yahoo, switched off": Shape(
        "<dead@shop.example>:\nSorry your message to dead@shop.example cannot be\n"
        "delivered. This account has been disabled or discontinued [#102].\n",
        "5.2.1", "disabled", False,
        headers={"subject": "Failure Notice"},
    ),
    "gmx": Shape(
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. The following addresses failed:\n\n\"dead@shop.example\":\n"
        "SMTP error from remote server after RCPT command:\nhost: mx.shop.example\n"
        "5.1.1 <dead@shop.example>... User Unknown\n",
        "5.1.1", "user_unknown", True,
    ),
    "zoho": Shape(
        "This is a permanent error.\n\ndead@shop.example Invalid Address, ERROR_CODE :550,\n"
        "ERROR_CODE :5.1.1 <dead@shop.example>... User Unknown\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undelivered Mail Returned to Sender"},
    ),
    "zoho, no answer": Shape(
        "[Status: Error, Address: <dead@shop.example>, ResponseCode 421, , Host not\n"
        "reachable.]\n",
        "4.4.1", "network", False,
        headers={"subject": "Undelivered Mail Returned to Sender"},
    ),
    "mail.ru": Shape(
        "Это письмо создано автоматически сервером, отвечать на него не нужно.\n\n"
        "К сожалению, Ваше письмо не может быть доставлено одному или нескольким\n"
        "получателям:\n\n**********************\n\n  dead@shop.example\n"
        "    SMTP error from remote mail server after RCPT TO:<dead@shop.example>:\n"
        "    host mx.shop.example [192.0.2.9]: 550 5.2.2 Mailbox Full\n",
        "5.2.2", "mailbox_full", False,
        headers={"subject": "Ваше сообщение не доставлено. Mail failure."},
    ),
    "yandex": Shape(
        "This is the mail system at host yandex.example.\n\n"
        "I'm sorry to have to inform you that your message could not be delivered.\n\n"
        "<dead@shop.example>: host mx.shop.example[192.0.2.9] said: 550\n"
        "    5.7.1 No such user! (in reply to RCPT TO command)\n",
        "5.7.1", "user_unknown", True,
        headers={"subject": "Недоставленное сообщение"},
    ),
    "mailmarshal": Shape(
        "Your message:\n   From:    anna@studio.example\n   Subject: Your website\n\n"
        "Could not be delivered because of\n\n550 5.1.1 User unknown\n\n"
        "The following recipients were affected: \n    dead@shop.example\n\n"
        "Additional Information\n======================\n"
        "Original Sender:    <anna@studio.example>\nSender-MTA:         <192.0.2.7>\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": 'Undeliverable Mail: "Your website"'},
    ),
    "mailfoundry": Shape(
        "Unable to deliver message to: <dead@shop.example>\n"
        "Delivery failed for the following reason:\n"
        "Server mx.shop.example[192.0.2.9] failed with: 550 <dead@shop.example> No such\n"
        "user here\n\nThis has been a permanent failure.\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Message delivery has failed"},
    ),
    "interscan": Shape(
        "****** Message from InterScan Messaging Security Suite ******\n\n"
        "Sent <<< RCPT TO:<dead@shop.example>\n"
        "Received >>> 550 5.1.1 <dead@shop.example>... user unknown\n\n"
        "Unable to deliver message to <dead@shop.example>.\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Mail could not be delivered", "from": '"InterScan MSS" <imss@mx.example>'},
    ),
    "surfcontrol": Shape(
        "Your message could not be sent.\n"
        "A transcript of the attempts to send the message follows.\n"
        "The number of attempts made: 1\nAddressed To: dead@shop.example\n\n"
        "Mon 2 Nov 2026 09:15:00 +0100\nFailed to send to identified host,\n"
        "dead@shop.example: [192.0.2.9], 550 dead@shop.example... No such user\n"
        "--- Message non-deliverable.\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Message could not be sent", "x_mailer": "SurfControl E-mail Filter"},
    ),
    "verizon": Shape(
        "Error: 550 - Requested action not taken: no such user here\n\n"
        "Message details:\n  Subject: Your website\n  MAIL FROM: anna@studio.example\n"
        "  RCPT TO: dead@shop.example\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable Message", "from": "post_master@mx.example"},
    ),
    "verizon, for pictures": Shape(
        "Message could not be delivered to mobile.\nError: No valid recipients for this MM\n\n"
        "Original Message:\nFrom: Anna <anna@studio.example>\nTo: dead@shop.example\n"
        "Subject: Your website\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Undeliverable Message", "from": "sysadmin@mx.example"},
    ),
    "an unknown one with brackets": Shape(
        "The original message was received at Mon, 2 Nov 2026 09:15:00 +0100\n"
        "from anna@studio.example\n\n---The following addresses had delivery errors---\n\n"
        "dead@shop.example [User unknown]\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Returned Mail: Your website", "from": '"Mail Deliver System" <mds@mx.example>'},
    ),
    "an unknown one that counts": Shape(
        "We had trouble delivering your message. Full details follow:\n\n"
        "1 error(s):\n\nSMTP Server <mx.shop.example> rejected recipient <dead@shop.example>\n"
        "  (Error following RCPT command). It responded as follows: [550 5.1.1 User\n"
        "unknown]\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "There was an error sending your mail", "from": "postmaster@mx.example"},
    ),
    "orange": Shape(
        "<dead@shop.example>: host smtp-in.example[192.0.2.9] said: 550 5.1.1 Adresse\n"
        "    d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]\n"
        "    (in reply to RCPT TO command)\n",
        "5.1.1", "user_unknown", True,
    ),
    "orange, full": Shape(
        "<dead@shop.example>: host smtp-in.example[192.0.2.9] said: 552 5.1.1 Boite du\n"
        "    destinataire pleine. Recipient overquota. OFR_417 [417]\n",
        "5.1.1", "mailbox_full", False,
    ),
    "orange, put away": Shape(
        "<dead@shop.example>: host smtp-in.example[192.0.2.9] said: 550 5.5.0 Boite du\n"
        "    destinataire archivee. Archived recipient. LPN007_420\n",
        "5.5.0", "disabled", False,
    ),
    "gone away": Shape(
        "<dead@shop.example>: host mx.shop.example[192.0.2.9] said: 550 5.1.6 recipient\n"
        "    no longer on server: dead@shop.example\n",
        "5.1.6", "moved", True,
    ),
    "replaced": Shape(
        "<dead@shop.example>: host mx.shop.example[192.0.2.9] said: 551 Address\n"
        "    dead@shop.example has been replaced by new@shop.example\n",
        "5.1.6", "moved", True,
    ),
}  # fmt: skip

#: Mobile networks and servers in Japan.
JAPAN = {
    "biglobe": Shape(
        "   ----- The following addresses had delivery problems -----\n"
        "dead@shop.example\n\n   ----- Non-delivered information -----\n"
        "The number of messages in recipient's mailbox exceeded the local limit.\n",
        "5.2.2", "mailbox_full", False,
        headers={"subject": "Returned mail: Your website", "from": "postmaster@mx.example"},
    ),
    "ezweb": Shape(
        "Each of the following recipients was rejected by a remote\nmail server.\n\n"
        "   Recipient: <dead@shop.example>\n   >>> RCPT TO:<dead@shop.example>\n"
        "   <<< 550 <dead@shop.example>: User unknown\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "Mail System Error - Returned Mail", "from": "Postmaster@mx.example"},
    ),
    "ezweb, switched off": Shape(
        "The user(s) account is disabled.\n\n<dead@shop.example>: 550 user unknown (in\n"
        "reply to RCPT TO command)\n",
        "5.2.1", "disabled", False,
        headers={"subject": "Mail System Error - Returned Mail", "from": "Postmaster@mx.example"},
    ),
    "kddi": Shape(
        "Your mail sent on: Mon, 2 Nov 2026 09:15:00 +0900\n"
        "    Could not be delivered to: <dead@shop.example>\n"
        "    As their mailbox is full.\n",
        "5.2.2", "mailbox_full", False,
        headers={"subject": "Mail delivery failed", "from": "no-reply@mx.example"},
    ),
    "m-filter": Shape(
        "このメールは「m-FILTER」が自動的に生成して送信しています。\n"
        "メールサーバーとの通信中、下記の理由によりこのメールは送信できませんでした。\n\n"
        "以下のメールアドレスへの送信に失敗しました。\ndead@shop.example\n\n\n"
        "-------server message\n550 5.1.1 unknown user <dead@shop.example>\n\n"
        "-------SMTP command\nRCPT\n\n-------original message\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "failure notice", "x_mailer": "m-FILTER"},
    ),
    "active hunter": Shape(
        "  ----- The following addresses had permanent fatal errors -----\n\n"
        ">>> dead@shop.example <dead@shop.example>\n\n"
        "  ----- Transcript of session follows -----\n"
        "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n",
        "5.1.1", "user_unknown", True,
        headers={"subject": "FAILURE NOTICE :Your website"},
    ),
    "too much mail": Shape(
        "<dead@shop.example>: host mfsmax.example[192.0.2.9] said: 552 too much mail\n"
        "    data (in reply to DATA command)\n",
        "5.2.2", "mailbox_full", False,
    ),
}  # fmt: skip
