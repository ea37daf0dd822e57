/* feelings_de.c: German words of feeling, from -3 to 3. A word counts in all forms of its stem;
 * 0 takes a form out. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
static const struct dm_ex_feeling_row rows[] = {
    { 3,
      "ausgezeichnet,hervorragend,exzellent,fantastisch,großartig,herrlich,perfekt,phänomenal,sensationell,"
      "traumhaft,überragend,wunderbar,wunderschön,brillant,genial,fabelhaft,liebe,lieben,begeistert,"
      "begeisterung,spitzenklasse,vorzüglich,beste,besten,bestens" },
    { 2,
      "angenehm,attraktiv,bewundern,dankbar,elegant,empfehlen,empfehlenswert,erfolg,erfolgreich,erfreulich,"
      "erfreut,faszinierend,freude,freuen,freundlich,fröhlich,froh,gelungen,genießen,gern,gerne,glück,"
      "glücklich,gut,gute,guten,guter,gutes,herzlich,hübsch,interessant,köstlich,lecker,lieblich,liebevoll,lob,"
      "loben,mutig,nett,optimistisch,preiswert,schön,schöne,schönen,sieg,spannend,stolz,super,sympathisch,toll,"
      "überzeugend,vertrauen,vorteilhaft,wertvoll,willkommen,zufrieden,zufriedenheit,zuverlässig,lächeln,"
      "gewinner,glänzend,beeindruckend,beeindruckt,vorbildlich,hilfsbereit,sauber,prima,klasse" },
    { 1,
      "bequem,besser,bessere,danke,effektiv,effizient,einfach,fair,fortschritt,geeignet,gesund,gewinn,günstig,"
      "hilfreich,hoffnung,innovativ,klug,komfortabel,leicht,modern,nützlich,praktisch,robust,ruhig,schnell,"
      "sicher,solide,stabil,stark,unterstützen,verbessern,verbessert,verbesserung,vorteil,vorteile,wachstum,"
      "zuversichtlich,aufmerksam,kompetent" },
    { -1,
      "ärgerlich,angst,aufwendig,bedauern,bedauerlich,beschädigt,beschwerde,beschweren,defekt,eng,enttäuscht,"
      "fehlerhaft,langsam,langweilig,laut,leider,mangel,mangelhaft,mängel,mühsam,nachteil,nachteile,negativ,"
      "nervös,problem,probleme,rückgang,schade,schaden,schmutzig,schwach,schwäche,schwierig,schwierigkeiten,"
      "sorge,sorgen,stress,teuer,überteuert,unangenehm,unfreundlich,ungenügend,unklar,unpraktisch,unsicher,"
      "unzufrieden,unzuverlässig,verlust,verluste,verspätet,verspätung,vermissen,zweifel,kaputt,unbequem,"
      "kritik,bemängeln" },
    { -2,
      "betrug,böse,dreckig,dumm,elend,enttäuschung,enttäuschend,falsch,frech,gefahr,gefährlich,gewalt,hass,"
      "hassen,inkompetent,katastrophe,krank,krieg,krise,leid,leiden,lüge,lügen,miserabel,mord,nutzlos,opfer,"
      "peinlich,ruiniert,schlecht,schlechte,schlechten,schlechter,schlimm,schmerz,schmerzen,schrecklich,schuld,"
      "skandal,sterben,tod,tot,traurig,trauer,übel,unfähig,unglücklich,unverschämt,versagen,verzweifelt,wut,"
      "wütend,wertlos,zerstört,zerstörung,unerträglich,frustrierend,frustriert" },
    { -3,
      "abscheulich,entsetzlich,furchtbar,grauenhaft,grausam,horror,katastrophal,widerlich,ekelhaft,schlimmste,"
      "schlechteste,verheerend" },
    { 0,
      "leichter,einfache,sichern,sicherung,sicherheit,schuldner,opfern,stärke,stärken,gutschrift,güter,"
      "schönung,eigens" },
};
/* clang-format on */

const struct dm_ex_feeling_table dm_ex_feelings_de = { rows, DM_COUNT(rows) };
