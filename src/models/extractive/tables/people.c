/* people.c: given names of many countries, titles, and the particles inside family names.
 *
 * A list of moderate size on purpose: a name that is not here can still be found behind a title.
 * Names that are also words, months or places stand apart, because they need more proof. Written
 * for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
#define WORDS(classes, words) { 0, classes, 0, words }

static const struct dm_ex_row rows[] = {
    WORDS(DM_EX_GIVEN,
      "aaron,adam,adrian,agnes,aidan,alan,albert,alberto,alejandra,alejandro,aleksander,alessandra,alessandro,"
      "alex,alexander,alexandra,alexandre,alexei,alexis,alfred,alfredo,alice,alicia,alison,allison,amanda,"
      "amelia,amy,ana,anastasia,anders,andré,andrea,andreas,andrei,andrés,andrew,andrzej,andy,angela,angelika,"
      "anita,anja,ann,anna,annabelle,anne,annette,annie,annika,anthony,antje,antoine,anton,antonia,antónio,"
      "antonio,archibald,ariane,arne,arnold,arthur,arturo,astrid,audrey,axel,barbara,barry,beata,beatrice,"
      "beatriz,ben,benedikt,benjamin,benoît,bernadette,bernard,bernd,bernhard,bert,beth,betty,bettina,birgit,"
      "björn,bob,bogdan,boris,brad,brandon,brenda,brendan,brian,bridget,brigitte,bruce,bruno,bryan,caitlin,"
      "camille,carl,carla,carlo,carlos,carmen,carol,caroline,carsten,catherine,cecilia,céline,chantal,charles,"
      "chiara,chloe,chloé,chris,christa,christelle,christer,christiane,christina,christine,christoph,"
      "christophe,christopher,claire,clara,claude,claudia,claudio,clémence,colin,connor,conrad,constance,"
      "cornelia,craig,cristina,cynthia,daisuke,damien,daniel,daniela,danielle,danny,darren,dave,david,deborah,"
      "delphine,denis,denise,dennis,derek,desmond,diana,diane,diego,dieter,dietrich,dimitri,dirk,dmitri,dmitry,"
      "dominik,dominique,donald,donna,dora,doris,dorothea,dorothy,douglas,duncan,eberhard,eddie,edgar,edith,"
      "edmund,eduard,eduardo,edward,edwin,eileen,elaine,eleanor,elena,elias,elisa,elisabeth,élise,elizabeth,"
      "elke,ella,ellen,elsa,emil,emilia,emilie,emily,emma,emmanuel,enrico,enrique,eric,erica,erich,erik,erika,"
      "ernest,ernesto,ernst,erwin,esther,étienne,eugene,eugen,eva,evelyn,fabian,fabien,fabio,fatima,federico,"
      "felicity,felix,ferdinand,fernando,filip,fiona,florian,françois,françoise,francesca,francesco,francis,"
      "francisco,franz,franziska,fred,frederic,frédéric,frederick,friedrich,fritz,gabriel,gabriela,gabriele,"
      "gabriella,gareth,gary,gavin,geoffrey,georg,george,georges,gerald,gérard,gerd,gerhard,gertrude,giacomo,"
      "gianluca,gilbert,gilles,gina,giorgio,giovanni,gisela,giulia,giuseppe,gloria,gordon,graham,greg,greta,"
      "gregor,gregory,guido,guillaume,gunnar,günter,günther,gustav,guy,hannah,hannelore,hans,harald,harold,"
      "harriet,harry,hartmut,heather,hector,heidi,heike,heiko,heiner,heinrich,heinz,helen,helena,helene,helga,"
      "helmut,hendrik,henri,henrik,henry,herbert,hermann,hilary,hilda,hildegard,hiroshi,holger,horst,howard,"
      "hubert,hugh,hugo,ian,ibrahim,ignacio,igor,ilse,ines,inga,inge,ingeborg,ingo,ingrid,inês,irene,irina,"
      "isaac,isabel,isabella,isabelle,ivan,jaakko,jacob,jacqueline,jacques,jakob,jakub,james,jamie,jan,jana,"
      "jane,janet,janina,javier,jean,jeanne,jeff,jeffrey,jennifer,jens,jenny,jeremy,jérôme,jerry,jesse,jessica,"
      "jill,jim,jimmy,joachim,joan,joanna,joanne,joão,jochen,joe,joel,johan,johann,johanna,johannes,john,"
      "johnny,jon,jonas,jonathan,jörg,jorge,josé,josef,joseph,josephine,josh,joshua,juan,judith,jukka,julia,"
      "julian,juliana,julie,julien,juliette,jürgen,justin,justine,kaarina,kai,karen,karin,karl,karla,karsten,"
      "katarina,kate,katharina,katherine,kathleen,kathryn,kathy,katja,katrin,keith,kelly,ken,kenneth,kerstin,"
      "kevin,kim,kirsten,klaus,konrad,konstantin,krzysztof,kurt,kyle,larry,lars,laura,lauren,laurence,laurent,"
      "lawrence,lea,leah,leila,lena,leo,leon,leonard,léonard,leonardo,leonie,leopoldo,leonor,leopold,leslie,"
      "liam,lily,linda,lisa,lise,lorenzo,louis,louise,luc,luca,lucas,lucia,lucie,lucy,ludwig,luigi,luis,luís,"
      "luisa,lukas,luke,lutz,lydia,lynn,maarten,madeleine,magdalena,magnus,malcolm,manfred,manuel,manuela,marc,"
      "marcel,marcello,marco,marcus,marek,margaret,margarete,margarita,margit,maria,maría,marianne,marie,"
      "marina,mario,marion,marius,markus,marlene,marta,martha,martin,martina,mary,mateusz,mathias,mathilde,"
      "matteo,matthew,matthias,maurice,mauro,maximilian,megan,melanie,melissa,michael,michaela,michał,michel,"
      "michele,michelle,miguel,mikael,mike,mikhail,milan,minna,miriam,mohamed,mohammad,mohammed,monica,monika,"
      "monique,moritz,muhammad,nadia,nadine,nancy,natalia,natalie,nathalie,nathan,neil,nicholas,nick,nicola,"
      "nicolas,nicole,nigel"),
    WORDS(DM_EX_GIVEN,
      "nikolai,niklas,nikolaus,nina,noah,nora,norbert,norma,norman,olaf,oleg,olga,oliver,olivia,olivier,oskar,"
      "oscar,otto,pablo,paola,paolo,pascal,patricia,patrick,patrik,paul,paula,pauline,paulo,pavel,pedro,"
      "penelope,per,peter,petra,phil,philip,philipp,philippe,phillip,pierre,pietro,piotr,rachel,rafael,rainer,"
      "ralf,ralph,ramón,raphael,raúl,raymond,rebecca,regina,reinhard,renate,rené,renée,ricardo,riccardo,"
      "richard,rita,rocío,robert,roberta,roberto,robin,rodrigo,roger,roland,rolf,roman,romain,ronald,rosa,"
      "rosemary,ross,roy,rudolf,rupert,ruth,ryan,sabine,salvatore,samantha,samuel,sandra,sara,sarah,sascha,"
      "scott,sean,sebastian,sébastien,sergei,sergey,sergio,seth,sharon,sheila,shirley,siegfried,sigrid,silke,"
      "silvia,simon,simone,sofia,sofía,sonia,sonja,sophia,sophie,stefan,stefania,stefanie,stefano,stella,"
      "stéphane,stéphanie,stephan,stephanie,stephen,steve,steven,stuart,susan,susanne,suzanne,sven,svetlana,"
      "sybille,sylvia,sylvie,takeshi,tamara,tanja,tanya,tatiana,ted,teresa,theo,theodor,theodore,theresa,"
      "thérèse,thierry,thomas,thorsten,tiago,tim,timo,timothy,tina,tobias,todd,tom,tomás,tomasz,tony,torsten,"
      "tracy,tristan,udo,ulf,ulrich,ulrike,ursula,ute,uwe,valentina,valérie,valerie,vanessa,vera,verena,"
      "veronica,véronique,veronika,vicente,victoria,viktor,vincent,vincenzo,virginie,vivian,vladimir,volker,"
      "walter,waltraud,wanda,wendy,werner,wilfried,wilhelm,william,willy,winfried,winston,wolfgang,xavier,"
      "yannick,yolanda,yves,yvette,yvonne,zachary,zoë,aarav,aditya,ahmed,aisha,akira,ali,amit,anil,anjali,"
      "arjun,ayşe,deepak,emre,fatma,haruki,hassan,hussein,kenji,khadija,kumar,lakshmi,mehmet,mustafa,mustapha,"
      "naoko,omar,osman,priya,rahul,rajesh,ravi,sanjay,satoshi,sunita,suresh,takashi,vijay,wei,yasmin,yoko,"
      "yuki,yusuf,zeynep,александр,алексей,анастасия,андрей,анна,антон,борис,вадим,валентина,вера,виктор,"
      "владимир,галина,дмитрий,евгений,екатерина,елена,иван,игорь,ирина,константин,людмила,максим,мария,михаил,"
      "наталья,николай,олег,ольга,павел,пётр,петр,светлана,сергей,софья,татьяна,фёдор,федор,юлия,юрий"),
    WORDS(DM_EX_GIVEN_OR_WORD,
      "angel,april,art,august,austin,autumn,basil,bill,blake,brook,carter,chad,charlotte,chase,chelsea,"
      "christian,clay,cliff,dallas,dan,dawn,dean,dick,don,drew,earl,faith,florence,frank,gene,georgia,glen,"
      "grace,grant,hope,holly,hunter,iris,ivy,jack,jade,jasper,jay,jordan,josh,joy,june,king,lance,lee,lincoln,"
      "logan,lorraine,madison,marcia,mark,marshall,mason,max,may,melody,miles,mercedes,nelson,olive,page,paris,"
      "pat,patience,pearl,penny,pierce,ray,reed,rich,rob,rocky,rod,ron,rose,ruby,rusty,sam,santiago,sandy,skip,"
      "sky,sofia,sterling,stone,sue,summer,sydney,terry,toby,trinity,tyler,val,victor,violet,virginia,wade,"
      "ward,warren,wayne,will,woody,alan,ada,jules,leo,martin,jan,sept,franco,pilar,dolores,rosario,mar,sol,"
      "paz,hugo,perl,julia,bernard,wilson"),
    WORDS(DM_EX_TITLE,
      "mr,mrs,ms,miss,mx,dr,prof,professor,sir,lord,lady,dame,rev,reverend,father,judge,justice,herr,herrn,"
      "frau,doktor,mme,mlle,monsieur,madame,mademoiselle,maître,señor,señora,señorita,sra,srta,doña,signor,"
      "signora,signorina,sig,dott,dottor,dottoressa,senhor,senhora,meneer,mevrouw,dhr,mevr,г-н,г-жа,господин,"
      "госпожа,captain,colonel,sergeant,lieutenant,detective,inspector"),
    WORDS(DM_EX_OFFICE,
      "president,chancellor,minister,premier,senator,congressman,congresswoman,governor,mayor,secretary,"
      "chairman,chairwoman,chairperson,ceo,cfo,cto,pope,queen,prince,princess,emperor,ambassador,commissioner,"
      "prosecutor,bundeskanzler,bundeskanzlerin,kanzler,kanzlerin,präsident,präsidentin,ministerin,"
      "bürgermeister,geschäftsführer,geschäftsführerin,président,présidente,ministre,presidente,presidenta,"
      "ministro,ministra,президент,министр,губернатор,директор"),
    WORDS(DM_EX_PARTICLE,
      "von,van,der,den,de,del,della,di,da,dos,das,du,des,la,le,ter,ten,zu,zum,zur,bin,ibn,al,el,y,e,af,av,mac,"
      "mc,st"),
};
/* clang-format on */

const struct dm_ex_table dm_ex_people = { rows, DM_COUNT(rows) };
