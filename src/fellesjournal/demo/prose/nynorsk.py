"""Bokmål into nynorsk for the vocabulary of these notes: word by word, no grammar."""

from __future__ import annotations

import re

_PAIRS = """
ikke ikkje|jeg eg|hun ho|henne ho|hennes hennar|fra frå|noe noko|noen nokre|uke veke|uker veker|uken veka|
ukene vekene|hvor kor|hva kva|hvis viss|mye mykje|kommer kjem|gjør gjer|være vere|vært vore|
forverret forverra|bare berre|siden sidan|måned månad|måneder månader|hoster hostar|sover søv|
våkner vaknar|spiser et|drikker drikk|merker merkar|henvist tilvist|henv. tilv.|henvises blir tilvist|
sykmeldt sjukmeld|sykmeldes blir sjukmeld|sykmelding sjukmelding|egenmelding eigenmelding|syk sjuk|
syke sjuke|sykehuset sjukehuset|sykepleier sjukepleiar|diabetessykepleier diabetessjukepleiar|
helsesykepleier helsesjukepleiar|kontrolleres blir kontrollert|tas blir teke|gis blir gitt|bedre betre|
bedring betring|øker aukar|økt auka|økende aukande|nedsatt nedsett|høyre høgre|ensidig einsidig|uten utan|
tatt teke|tar tek|tatt. teke.|sier seier|forteller fortel|skriver skriv|oppgir opplyser|ønsker ønskjer|
trenger treng|hjulpet hjelpt|bruker brukar|jobber jobbar|hjemme heime|hjem heim|
hjemmetjenesten heimetenesta|hjemmetjeneste heimeteneste|hjemmebesøk heimebesøk|
hjemmemålinger heimemålingar|hverdag kvardag|hver kvar|hvert kvart|hverken verken|selv sjølv|egen eigen|
egne eigne|egentrening eigentrening|tabletter tablettar|medisiner medisinar|medisinene medisinane|
hjertebank hjartebank|hjerte hjarte|hjertesvikt hjartesvikt|hjertesviktkontroll hjartesviktkontroll|
målinger målingar|verdier verdiar|vanlig vanleg|tidligere tidlegare|trolig truleg|mulig mogleg|
sannsynlig sannsynleg|alvorlig alvorleg|plaget plaga|slapphet slappheit|trøtthet trøyttleik|trøtt trøytt|
ømhet ømheit|stivhet stivheit|begynte byrja|startet starta|vedvarende vedvarande|timer timar|søsken sysken|
skolen skulen|skole skule|skolestart skulestart|gutt gut|kjæreste kjærast|kjæresten kjærasten|sønn son|
datter dotter|foreldrene foreldra|vannlating vasslating|vannlatingsplager vasslatingsplager|vann vatn|
vanndrivende vassdrivande|øye auge|øyne auge|øyet auget|øyelege augelege|øyedr. augedr.|øre øyre|ører øyre|
øregang øyregang|øredråper øyredropar|ørevoks øyrevoks|ørevondt øyrevondt|rødt raudt|rød raud|røde raude|
rødme raudne|hvite kvite|hvit kvit|bløt blaut|hovent hove|bevegelighet rørsle|bevegelse rørsle|
beveger rører|gikk gjekk|ben bein|legger leggar|føtter føter|føttene føtene|fortsetter held fram med|
videre vidare|uendret uendra|samme same|annen annan|rådgivning rådgjeving|rolig roleg|urolig uroleg|
høy høg|høyt høgt|lav låg|lave låge|lavest lågast|uttrykker uttrykkjer|følges blir følgd|følger følgjer|
behandles blir behandla|undersøkelse undersøking|sykdom sjukdom|koronarsykdom koronarsjukdom|
nyresykdom nyresjukdom|hjertesykdom hjartesjukdom|forkjølet forkjølt|forkjølelse forkjøling|daglig dagleg|
ukentlig vekentleg|månedlig månadleg|årlig årleg|sjelden sjeldan|oftere oftare|flere fleire|mer meir|
natten natta|nattlig nattleg|morgenen morgonen|morgen morgon|morgenstivhet morgonstivleik|frokost frukost|
bor bur|alene åleine|sammen saman|pårørende pårørande|snakket snakka|røyker røykjer|kaffe kaffi|
trener trenar|vekten vekta|bedret betra|tilfredsstillende tilfredsstillande|ellers elles|fremgang framgang|
fremover framover|fremoverbøyning framoverbøying|foroverbøyning framoverbøying|observeres blir observert|
varslet varsla|vurderes blir vurdert|luftveisinfeksjon luftvegsinfeksjon|bihulebetennelse biholebetennelse|
tegn teikn|kjent kjend|kjente kjende|tåler toler|tåles blir tolt|glemmer gløymer|glemt gløymt|
husker hugsar|bekymret uroleg|hørsel høyrsle|hører høyrer|øyeblikkelig straks|snarest snarast|
holdepunkt haldepunkt|holder held|holde halde|sitter sit|ligger ligg|ligge liggje|disse desse|deres deira|
åpen open|dårlig dårleg|dårligere dårlegare|trygges blir trygga|trygger tryggjer|hodepine hovudverk|
hodet hovudet|hode hovud|bevisstløs medvitslaus|igjen att|hverandre kvarandre|hvilke kva|hvem kven|
hvorfor kvifor|hvordan korleis|vesentlig vesentleg|selvbegrensende sjølvavgrensande|
forebyggende førebyggjande|gjentas blir gjentatt|vurderinger vurderingar|vektøkning vektauke|
kosthold kosthald|sukkerholdig sukkerhaldig|anstrengelse anstrenging|ansiktet andletet|
avsluttes blir avslutta|bekkenbunnstrening bekkenbotntrening|benektes blir nekta|besvimelse svimeanfall|
ber bed|avkreftet avkrefta|avlastes blir avlasta|avlastet avlasta|bivirkninger biverknader|
blødninger blødingar|blødning bløding|dråper dropar|dobler doblar|endringer endringar|drøftet drøfta|
fjernes blir fjerna|fjernet fjerna|foreligger ligg føre|forhøyet forhøgd|forlenget forlengd|fornyet fornya|
dempet dempa|avventer ventar|forsvinner forsvinn|forverres blir forverra|forstørret forstørra|
forstørrede forstørra|gråter græt|informeres blir informert|innskrenket innskrenka|
hodeskadeinfo hovudskadeinfo|hjernerystelse hjernerysting|hodefoting hovudfoting|hetetokter heteokter|
hovnet hovna|hovner hovnar|hyppighet hyppigheit|klarer klarar|kuttet kutta|legges blir lagd|leser les|
lymfeknuter lymfeknutar|manglende manglande|meldes blir meldt|mener meiner|minnet minna|
nummenhet nummenheit|oppdaget oppdaga|oppfattes blir oppfatta|oppfordret oppfordra|
opptrappes blir trappa opp|orienteres blir orientert|orker orkar|peker peikar|pauser pausar|
pågående pågåande|påkledning påkleding|prøves blir prøvd|renset reinsa|resepter reseptar|rikelig rikeleg|
ringer ringjer|savner saknar|sees blir sett|ses blir sett|settes blir sett|sendes blir sendt|senket senka|
skiftes blir skift|skriftlig skriftleg|skylles blir skylt|slitenhet trøyttleik|slutter sluttar|
sløvhet sløvheit|smaker smakar|smertestillende smertestillande|snakker snakkar|starter startar|
svelger svelgjer|svimmelhet svimmelheit|sårkanter sårkantar|særlig særleg|søvnvansker søvnvanskar|
tanker tankar|tegner teiknar|tidlig tidleg|tobakksavhengighet tobakksavhengigheit|triller trillar|
trykkende trykkjande|uthvilt utkvilt|utløses blir utløyst|vanskelig vanskeleg|vansker vanskar|
konsentrasjonsvansker konsentrasjonsvanskar|varighet varigheit|varsles blir varsla|vasker vaskar|
vekkes blir vekt|vekslende vekslande|vennlig vennleg|venter ventar|vet veit|videreføres held fram|
våkenhet vakenheit|væskende væskande|ønsket ønskte|øret øyret|utvidet utvida|tilhelende tilheilande|
mestring meistring|innen innan|mellomøret mellomøyret|knærne knea|knær kne|kjevevinklene kjevevinklane|
ganger gonger|gang gong|annenhver annankvar|dagene dagane|influensalignende influensaliknande|
lysskyhet lysskyheit|tetthet tettleik|symptomer symptom|allmennsymptomer allmennsymptom|
alarmsymptomer alarmsymptom|falt falle|overbelastning overbelasting|belastning belasting|
oppvåkning oppvakning|hjemmemåling heimemåling|hjemmetrener heimetrenar|hjemmesykepleie heimesjukepleie|
sykehus sjukehus|skolestress skulestress|skolestartundersøkelse skulestartundersøking|
egenbehandling eigenbehandling|egenbehandlingsplan eigenbehandlingsplan|nylig nyleg|
fremmedlyder framandlydar|slimlyder slimlydar|pipelyder pipelydar|tarmlyder tarmlydar|
knatrelyder knatrelydar|reflekser refleksar|krepitasjoner krepitasjonar|eksoriasjoner eksoriasjonar|
pludrer bablar|bekymring uro|bekymringen uroa|griper grip|løfter løftar|krabber kravlar|
fullammes blir fullamma|ammes blir amma|klumper klumpar
"""

_WORDS = {
    old: new
    for pair in _PAIRS.replace("\n", "").split("|")
    for old, _, new in [pair.strip().partition(" ")]
    if new and old != new
}
_WORD = re.compile(r"[A-Za-zÆØÅæøå]+\.?")


def to_nynorsk(text: str) -> str:
    """The same note in nynorsk words."""
    return _WORD.sub(_swap, text)


def _swap(match: re.Match[str]) -> str:
    word = match.group()
    found = _WORDS.get(word.lower())
    tail = ""
    if found is None and word.endswith("."):
        found, tail = _WORDS.get(word[:-1].lower()), "."
    if found is None:
        return word
    return (found[:1].upper() + found[1:] if word[0].isupper() else found) + tail
