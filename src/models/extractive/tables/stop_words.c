/* stop_words.c: the little words of each language. They carry no meaning for ranking, and they vote for the language,
 * so a word that two languages share stands in both. Written for docmill. */
#include "models/extractive/lexicon.h"

#define STOP(language, words) { DM_EX_BIT(DM_EX_##language), 0, 0, words }

static const struct dm_ex_row rows[] = {
    STOP(EN, "a,about,above,according,across,actually,after,again,against,ago,all,almost,along,already,also,although,"
             "always,am,among,an,and,another,any,anyone,anything,are,aren't,around,as,at,away,back,be,became,because,"
             "become,becomes,been,before,being,below,between,both,but,by,came,can,can't,cannot,could,couldn't,did,"
             "didn't,do,does,doesn't,doing,don't,done,down,during,each,eg,e.g,either,else,enough,etc,even,ever,every,"
             "everyone,everything,few,for,from,further,get,gets,give,given,go,goes,going,got,had,hadn't,has,hasn't,"
             "have,haven't,having,he,he's,her,here,hers,herself,him,himself,his,how,however,i,i'm,i've,i'd,i'll,ie,if,"
             "in,indeed,instead,into,is,isn't,it,it's,its,itself,just,know,last,least,less,let,like,ll,made,make,makes,"
             "making,many,may,maybe,me,might,mine,more,most,much,must,my,myself,near,need,needs,neither,never,next,no,"
             "nobody,none,nor,not,nothing,now,of,off,often,on,once,one,only,onto,or,other,others,otherwise,ought,our,"
             "ours,ourselves,out,over,own,per,perhaps,put,quite,rather,re,really,s,said,same,say,says,see,seem,seems,"
             "seen,several,shall,she,she's,should,shouldn't,simply,since,so,some,someone,something,sometimes,soon,"
             "still,such,t,take,taken,takes,than,that,that's,the,their,theirs,them,themselves,then,there,there's,"
             "thereby,therefore,these,they,they're,they've,thing,things,this,those,though,through,throughout,thus,to,"
             "together,too,toward,towards,under,unless,until,up,upon,us,use,used,uses,using,ve,very,via,want,was,"
             "wasn't,way,we,we're,we've,well,went,were,weren't,what,whatever,when,whenever,where,whereas,whether,which,"
             "while,who,whoever,whole,whom,whose,why,will,with,within,without,won't,would,wouldn't,yes,yet,you,you're,"
             "you've,you'll,you'd,your,yours,yourself"),
    STOP(DE, "aber,alle,allem,allen,aller,alles,als,also,am,an,andere,anderen,anderer,anderes,auch,auf,aus,bei,beide,"
             "beim,bereits,bin,bis,bist,da,dabei,dadurch,dafür,dagegen,daher,damit,danach,dann,daran,darauf,daraus,"
             "darf,darüber,darum,das,dass,davon,dazu,dein,deine,dem,den,denen,denn,der,deren,des,dessen,deshalb,die,"
             "dies,diese,diesem,diesen,dieser,dieses,doch,dort,du,durch,dürfen,ebenso,ein,eine,einem,einen,einer,eines,"
             "einige,einmal,er,erst,es,etwa,etwas,euch,euer,für,gab,ganz,gegen,gemäß,gibt,gegenüber,habe,haben,hat,"
             "hatte,hatten,hier,hin,hinter,ich,ihm,ihn,ihnen,ihr,ihre,ihrem,ihren,ihrer,ihres,im,immer,in,indem,ins,ist,"
             "ja,je,jede,jedem,jeden,jeder,jedes,jedoch,jetzt,kann,kein,keine,keinem,keinen,keiner,können,könnte,"
             "konnte,machen,man,manche,mehr,mein,meine,meinem,meinen,meiner,mich,mir,mit,muss,müssen,musste,nach,"
             "nachdem,nicht,nichts,noch,nun,nur,ob,oder,ohne,schon,sehr,sei,sein,seine,seinem,seinen,seiner,seit,"
             "selbst,sich,sie,sind,so,sobald,sofern,sogar,solche,soll,sollen,sollte,sondern,sonst,soweit,sowie,sowohl,"
             "über,um,und,uns,unser,unsere,unserem,unseren,unserer,unter,viel,viele,vielen,vom,von,vor,während,war,"
             "waren,warum,was,weder,weil,weiter,weitere,weiteren,welche,welcher,welches,wenn,wer,werde,werden,wie,"
             "wieder,will,wir,wird,wo,wobei,wollen,worden,wurde,wurden,würde,zu,zum,zur,zwar,zwischen"),
    STOP(FR, "a,à,afin,ai,ainsi,alors,après,as,au,aucun,aucune,aussi,autre,autres,aux,avait,avant,avec,avoir,c,car,ce,"
             "ceci,cela,celle,celles,celui,cependant,ces,cet,cette,ceux,chaque,chez,comme,comment,contre,d,dans,de,"
             "déjà,depuis,des,dès,deux,doit,doivent,donc,dont,du,elle,elles,en,encore,entre,es,est,et,étaient,était,"
             "été,être,eu,eux,fait,faire,fois,font,il,ils,j,jamais,je,jusqu,jusque,l,la,là,laquelle,le,lequel,les,leur,"
             "leurs,lors,lorsqu,lorsque,lui,m,ma,mais,malgré,me,même,mêmes,mes,moi,moins,mon,n,ne,ni,non,nos,notre,nous,"
             "on,ont,ou,où,par,parce,pas,pendant,peu,peut,peuvent,plus,plusieurs,pour,pourquoi,puis,qu,quand,que,quel,"
             "quelle,quelles,quelque,quelques,quels,qui,quoi,s,sa,sans,se,selon,sera,ses,si,sont,sous,son,sur,t,ta,"
             "tandis,te,tel,telle,tes,toi,ton,toujours,tous,tout,toute,toutes,très,tu,un,une,vers,voici,vos,votre,vous,"
             "y"),
    STOP(ES, "a,además,al,algo,algún,alguna,algunas,algunos,allí,ante,antes,aquel,aquella,aquí,así,aún,aunque,bajo,"
             "bien,cada,casi,como,cómo,con,contra,cual,cuál,cuales,cuando,cuándo,de,debe,deben,del,desde,después,donde,"
             "dónde,durante,e,el,él,ella,ellas,ello,ellos,en,entonces,entre,era,eran,eres,es,esa,esas,ese,eso,esos,"
             "esta,está,estaba,están,estar,estas,este,esto,estos,fue,fueron,ha,había,habían,hacer,hacia,han,hasta,hay,"
             "he,hemos,la,las,le,les,lo,los,más,me,mediante,mi,mientras,mis,mismo,mucha,muchas,mucho,muchos,muy,nada,"
             "ni,ningún,ninguna,no,nos,nosotros,nuestra,nuestras,nuestro,nuestros,o,os,otra,otras,otro,otros,para,pero,"
             "poco,por,porque,pueda,puede,pueden,pues,que,qué,quien,quién,quienes,se,sea,según,ser,será,si,sí,sido,sin,"
             "sino,sobre,solo,sólo,son,su,sus,también,tan,tanto,te,tenía,ti,tiene,tienen,toda,todas,todavía,todo,todos,"
             "tras,tu,tus,un,una,unas,uno,unos,usted,ustedes,y,ya,yo"),
    STOP(IT, "a,abbiamo,ad,agli,ai,al,alcune,alcuni,alla,alle,allo,altra,altre,altri,altro,anche,ancora,aveva,avere,"
             "c,che,chi,ci,come,con,contro,così,cui,d,da,dagli,dai,dal,dalla,dalle,dallo,degli,dei,del,dell,della,delle,"
             "dello,deve,devono,di,dopo,dove,due,dunque,e,è,ed,era,erano,essere,fa,fra,fino,già,gli,ha,hanno,ho,i,il,in,"
             "infatti,io,l,la,le,lei,li,lo,loro,lui,ma,mentre,mi,mia,mio,molto,ne,negli,nei,nel,nell,nella,nelle,nello,"
             "noi,non,nostra,nostro,o,ogni,oltre,ossia,per,perché,però,più,poi,possono,presso,prima,proprio,può,"
             "qualche,quale,quali,quando,quanto,quella,quelle,quelli,quello,questa,queste,questi,questo,qui,quindi,se,"
             "secondo,sempre,senza,si,sia,siamo,sono,sopra,sotto,sta,stata,stati,stato,su,sua,sue,sugli,sui,sul,sull,"
             "sulla,sulle,suo,suoi,tale,tali,tra,tutta,tutte,tutti,tutto,un,una,uno,vi,viene,vengono,voi"),
    STOP(PT, "a,à,ainda,além,algum,alguma,algumas,alguns,ante,antes,ao,aos,apenas,após,aquela,aquele,aqui,as,às,assim,"
             "até,cada,com,como,contra,da,das,de,dela,dele,deles,depois,desde,deste,desta,deve,devem,do,dos,durante,e,é,"
             "ela,elas,ele,eles,em,enquanto,então,entre,era,eram,essa,essas,esse,esses,esta,está,estão,estas,estava,"
             "este,estes,eu,foi,foram,havia,há,isso,isto,já,lhe,lhes,lo,mais,mas,me,mediante,mesma,mesmo,meu,meus,minha,"
             "muita,muitas,muito,muitos,na,não,nas,nem,nenhum,nenhuma,no,nos,nós,nossa,nossas,nosso,nossos,num,numa,o,"
             "onde,os,ou,outra,outras,outro,outros,para,pela,pelas,pelo,pelos,pode,podem,pois,por,porque,porém,quais,"
             "qual,quando,quanto,que,quem,são,se,seja,sem,sempre,será,seu,seus,si,sido,só,sob,sobre,sua,suas,também,"
             "tanto,tão,tem,têm,tenha,ter,teu,tinha,toda,todas,todo,todos,tu,tudo,um,uma,umas,uns,você,vocês,vos"),
    STOP(NL, "aan,achter,al,alle,alleen,alles,als,altijd,ander,andere,ben,bij,binnen,boven,buiten,daar,daarbij,daarom,"
             "dan,dat,de,deze,die,dit,doch,doen,door,dus,een,eens,eerst,elk,elke,en,enige,er,ervan,even,ge,geen,gaat,"
             "geweest,had,hadden,heb,hebben,heeft,heel,hem,hen,het,hier,hij,hoe,hun,ieder,iedere,iemand,iets,ik,in,is,"
             "ja,je,jij,jullie,kan,kon,kunnen,kunt,maar,me,meer,meest,men,met,mij,mijn,moet,moeten,mogen,na,naar,nadat,"
             "niet,niets,niks,nog,nooit,nu,of,om,omdat,onder,ons,onze,ook,op,over,reeds,sinds,te,tegen,ten,ter,terwijl,"
             "toch,toen,tot,tussen,tijdens,u,uit,uw,van,vanaf,veel,via,volgens,voor,vooral,waar,waarbij,wanneer,want,"
             "waren,was,wat,we,weer,wel,welke,werd,werden,wie,wij,wil,worden,wordt,zal,ze,zei,zelf,zeer,zich,zij,zijn,"
             "zo,zoals,zonder,zou,zouden,zullen"),
    STOP(SV, "alla,allt,annan,andra,att,av,bara,bli,blir,blev,blivit,då,där,därför,de,dem,den,denna,deras,dess,dessa,"
             "det,detta,dig,din,dina,ditt,du,efter,eftersom,ej,eller,en,enligt,er,ett,ett,finns,från,för,före,genom,ha,"
             "hade,han,hans,har,hela,henne,hennes,hon,honom,hos,hur,här,i,icke,inga,ingen,inom,innan,inte,jag,kan,"
             "kommer,kunde,man,med,mellan,men,mer,mig,min,mina,mitt,mot,mycket,många,måste,ni,nu,när,någon,något,några,"
             "och,också,om,oss,på,redan,sedan,sig,sin,sina,sitt,själv,ska,skall,skulle,som,så,sådan,samt,samma,till,"
             "under,upp,ur,ut,utan,utom,vad,vara,varit,var,vara,varje,vars,vem,vi,vid,vilka,vilken,vilket,vår,våra,vårt,"
             "även,är,åt,över"),
    STOP(DA, "ad,af,alle,alt,anden,andre,at,bare,blev,blive,bliver,da,de,dem,den,denne,der,deres,det,dette,dig,din,"
             "disse,dog,du,efter,eller,en,end,er,et,fik,for,fordi,fra,få,før,gennem,gør,ham,han,hans,har,havde,have,"
             "hele,hende,hendes,her,hos,hun,hvad,hvem,hver,hvilke,hvilken,hvis,hvor,hvordan,i,ifølge,ikke,ind,ingen,"
             "intet,ja,jeg,jer,kan,kunne,kom,lige,man,mange,med,meget,mellem,men,mere,mig,min,mine,mod,må,måtte,ned,"
             "noget,nogen,nogle,nok,nu,når,og,også,om,op,os,over,på,samme,samt,se,selv,sig,sin,sine,sit,skal,skulle,som,"
             "sådan,så,således,thi,til,ud,uden,under,var,ved,vi,vil,ville,vor,vores,være,været"),
    STOP(NO, "alle,alt,andre,at,av,bare,ble,blei,bli,blir,blitt,både,da,de,deg,dei,dem,den,denne,der,deres,det,dette,"
             "din,disse,du,eg,ein,eller,en,enn,er,et,etter,for,fordi,fra,få,får,før,gjennom,gjøre,ha,hadde,han,hans,har,"
             "hele,henne,hennes,her,hos,hun,hva,hvem,hver,hvilke,hvilken,hvis,hvor,hvordan,hvorfor,i,ifølge,ikke,ingen,"
             "inn,ja,jeg,kan,kom,kunne,kun,man,mange,med,meg,meget,mellom,men,mer,mot,min,mitt,må,måtte,ned,noe,noen,"
             "nokre,nå,når,og,også,om,opp,oss,over,på,samme,samt,seg,selv,si,sia,siden,sin,sine,sitt,skal,skulle,slik,"
             "som,så,sånn,til,ut,uten,under,var,ved,vi,vil,ville,vår,være,vært,å"),
    STOP(FI, "aina,ei,eivät,eli,ellei,en,enemmän,ennen,että,hän,hänen,he,heidän,ilman,itse,ja,jo,johon,jolla,jonka,jos,"
             "joissa,joista,joka,jokainen,jossa,josta,jota,jotka,jälkeen,kaikki,kaikkien,kanssa,ke,keskellä,kertaa,"
             "koska,kuin,kuitenkin,kun,kuten,lisäksi,läpi,me,meidän,melko,mikä,minkä,minun,minä,missä,mistä,mitä,mukaan,"
             "mutta,muun,muut,myös,näin,ne,niiden,niin,niitä,noin,nyt,ole,olen,olet,oli,olisi,olivat,olla,ollut,on,ovat,"
             "paljon,per,päälle,saa,samalla,se,sekä,sen,siellä,siihen,siinä,siis,siitä,sillä,sinä,sitten,sitä,tai,taas,"
             "tuo,tämä,tämän,tässä,tästä,tätä,täällä,vaan,vaikka,vain,vielä,voi,voidaan,voivat,yhä,yli,ympäri"),
    STOP(HU, "a,abban,ahhoz,ahol,aki,akik,alatt,által,általában,amely,amelyek,amelyet,ami,amikor,amit,annak,arra,át,az,"
             "azért,azok,azon,azonban,aztán,azt,azzal,be,belül,benne,csak,de,e,ebben,egy,egyes,egyik,egész,ekkor,el,"
             "ellen,elő,először,előtt,emilyen,én,ennek,erre,és,ez,ezek,ezen,ezért,ezt,ezzel,fel,felé,ha,hanem,hiszen,"
             "hogy,hogyan,így,igen,ill,illetve,is,ismét,itt,jó,jól,kell,kellett,keresztül,ki,között,közül,le,legalább,"
             "lehet,lehetett,lenne,lett,maga,már,más,másik,meg,még,mellett,mert,mely,melyek,mi,mikor,mint,minden,mindig,"
             "mintha,mivel,most,nagy,nagyon,ne,néha,nekem,nélkül,nem,nincs,olyan,ők,össze,pedig,s,saját,sem,semmi,során,"
             "sok,szerint,számára,szemben,tehát,több,tovább,ugyanis,új,után,utolsó,vagy,vagyok,valaki,valami,van,vannak,"
             "volna,volt,voltak,ő"),
    STOP(RO, "a,acea,această,aceasta,aceste,acestea,acest,acesta,acești,acestui,aceștia,ai,aici,al,ale,alt,alta,altă,"
             "alte,alți,am,ar,are,asupra,aș,așa,astfel,atât,atunci,au,avea,avem,aveți,că,când,care,căreia,cărora,cărui,"
             "către,ce,cea,cei,cele,cel,celor,chiar,cine,cu,cum,dacă,dar,de,deci,decât,deoarece,deși,despre,din,dintre,"
             "doar,după,e,ea,ei,el,ele,era,erau,este,eu,face,fără,fi,fie,fiecare,fiind,fost,iar,îi,îl,în,înainte,"
             "împotriva,încă,între,îți,la,le,li,lor,lui,mai,mea,mei,mele,meu,mod,mult,multe,mulți,ne,nici,niște,noastre,"
             "noastră,noi,nostru,noștri,nu,o,ori,orice,pe,pentru,peste,până,poate,pot,precum,prin,sa,să,sau,se,și,sub,"
             "sunt,suntem,sunteți,ta,tale,te,toate,tot,toți,tu,un,una,unde,unei,unele,unii,unor,unui,unul,va,vă,voi,vom,"
             "vor,vreo,ţi,şi"),
    STOP(TR, "acaba,ama,ancak,artık,aslında,az,bazı,bazen,belki,ben,benim,beri,bile,bir,birçok,biri,birkaç,biz,bize,"
             "bizim,böyle,bu,buna,bunda,bundan,bunlar,bunu,bunun,burada,büyük,çok,çünkü,da,daha,dahi,de,defa,değil,diğer,"
             "diye,dolayı,dolayısıyla,edecek,eden,ederek,edilen,edilir,en,etmek,etti,ettiği,fakat,gibi,göre,halen,hangi,"
             "hem,henüz,hep,hepsi,her,herhangi,herkes,hiç,için,içinde,ile,ilgili,ise,işte,itibaren,kadar,karşın,kendi,"
             "kez,ki,kim,kimse,mı,mi,mu,mü,nasıl,ne,neden,nedenle,o,olan,olarak,oldu,olduğu,olduğunu,olmak,olması,olsa,"
             "olur,ona,ondan,onlar,onu,onun,orada,oysa,öyle,pek,rağmen,sadece,sanki,şekilde,sen,siz,sizin,şey,şimdi,"
             "sonra,şu,tarafından,tüm,üzere,var,vardır,ve,veya,ya,yani,yapılan,yapmak,yaptığı,yerine,yine,yok,yoksa,"
             "zaten"),
    STOP(RU, "а,без,более,больше,бы,был,была,были,было,быть,в,вам,вас,ваш,весь,во,вот,все,всё,всегда,всего,всей,всем,"
             "всех,всю,вы,где,да,даже,для,до,если,есть,еще,ещё,же,за,зачем,здесь,и,из,или,им,ими,иногда,их,к,каждый,как,"
             "какая,какой,кем,когда,ко,кого,которая,которого,которое,которой,которую,которые,который,которых,кроме,кто,"
             "куда,ли,либо,лишь,между,меня,мне,много,может,могут,можно,мой,моя,мы,на,над,надо,нам,нас,наш,наши,не,него,"
             "нее,неё,ней,нельзя,нем,нём,нет,них,ни,но,ну,о,об,однако,он,она,они,оно,от,очень,перед,по,под,после,потом,"
             "потому,почти,при,про,раз,с,сам,самый,свою,своего,своей,своих,свой,сегодня,себе,себя,со,совсем,так,также,"
             "такая,такие,такой,там,те,тебя,тем,теперь,то,тогда,того,тоже,той,только,том,тот,три,тут,ты,у,уже,хоть,хотя,"
             "чего,чей,чем,через,что,чтобы,чьи,эта,эти,этим,этих,это,этого,этой,этом,этот,эту,я,является,являются"),
    STOP(PL, "a,aby,ale,albo,ani,bardzo,bez,bo,by,być,był,była,było,były,był,będzie,będą,ci,co,coś,czy,dla,dlatego,do,"
             "dwa,gdy,gdzie,go,i,ich,ile,im,inne,innych,ja,jak,jako,jednak,jego,jej,jest,jestem,jeszcze,jeśli,już,je,ją,"
             "każdy,kiedy,która,które,którego,której,który,których,którzy,kto,ktoś,lub,ma,mają,mi,między,mnie,mogą,moja,"
             "może,można,mu,my,na,nad,nam,nas,nasz,nawet,nie,niej,nim,nic,niż,o,od,on,ona,one,oni,oraz,po,pod,podczas,"
             "ponieważ,poza,prze,przed,przez,przy,również,są,się,siebie,sobie,sposób,swoje,swój,ta,tak,także,taki,tam,te,"
             "tego,tej,ten,to,też,tu,tych,tylko,tym,u,w,we,wiele,więc,wszystkich,wszystkie,wszystko,właśnie,z,za,zawsze,"
             "ze,że,żeby"),
    STOP(CS, "a,aby,aj,ale,ani,až,bez,bude,budou,by,být,byl,byla,byli,bylo,byly,co,což,či,další,do,ho,i,já,jak,jako,je,"
             "jeho,jej,její,jejich,jen,jenž,ještě,ji,jich,jiné,jsem,jsme,jsou,k,kam,kde,kdo,kdy,když,která,které,kterého,"
             "která,kteří,který,kterých,ku,má,mají,mezi,mít,mnoho,mohou,můj,může,na,nad,nám,námi,nás,náš,ne,nebo,nebyl,"
             "něco,nejsou,není,než,nic,o,od,ode,on,ona,oni,pak,po,pod,podle,pokud,pouze,právě,pro,proč,proto,protože,"
             "před,přes,při,s,se,si,své,svých,ta,tak,také,takže,tam,tato,tedy,ten,tento,této,tím,to,toho,tohoto,tom,"
             "tomto,tomu,totiž,tuto,ty,tyto,u,už,v,vám,váš,ve,více,však,všech,všechny,vy,z,za,zde,ze,že"),
    STOP(UK, "а,або,аби,але,без,би,був,була,були,було,бути,в,вам,вас,весь,вже,ви,від,він,вона,вони,все,всі,де,для,до,"
             "є,ж,з,за,зі,й,його,йому,і,із,інших,їх,їй,її,коли,крім,лише,ми,між,може,можна,мене,на,над,нам,нас,не,нею,"
             "ним,них,ні,ніж,о,однак,от,перед,під,після,по,при,про,свої,своїх,собі,та,так,також,такий,там,те,ти,тих,то,"
             "тобто,того,той,тому,тоді,ту,у,через,це,цей,цього,цих,ця,час,чи,чого,що,щоб,я,як,яка,який,яких,які,якщо"),
    STOP(EL, "αλλά,αν,από,αυτά,αυτή,αυτό,αυτός,για,δεν,εάν,είναι,εκεί,ενώ,επί,έχει,έχουν,η,ή,ήταν,θα,και,κάθε,κατά,"
             "κι,μας,με,μετά,μέχρι,μη,μην,μία,μια,μου,να,ο,οι,όμως,όπου,όπως,όταν,ότι,όχι,παρά,περί,πιο,πολύ,που,πρέπει,"
             "προς,πως,σαν,σας,σε,στα,στη,στην,στις,στο,στον,στους,τα,την,της,τη,τι,τις,το,του,τους,τον,των,υπό,ως"),
    STOP(AR, "في,من,على,إلى,الى,عن,أن,ان,إن,هذا,هذه,ذلك,تلك,التي,الذي,الذين,كان,كانت,يكون,هو,هي,هم,ما,لا,لم,لن,قد,"
             "كل,بعد,قبل,عند,مع,بين,ثم,أو,او,كما,حيث,حتى,غير,منذ,أي,وهو,وهي,وقد,فيها,فيه,به,بها,له,لها,عليه,عليها,و"),
    STOP(HE, "של,את,על,לא,הוא,היא,הם,הן,זה,זו,זאת,אלה,עם,כי,אם,או,גם,כל,אבל,יש,אין,היה,היו,היתה,הייתה,אל,מן,בין,"
             "כמו,רק,עוד,אשר,מה,מי,אני,אנחנו,אתה,לו,לה,בו,בה,כדי,לפי,אך,יותר"),
    STOP(HI, "के,का,की,को,में,है,हैं,से,और,पर,यह,वह,एक,ने,कि,जो,भी,नहीं,तो,ही,या,था,थी,थे,कर,करने,किया,लिए,इस,उस,"
             "इसके,उनके,अपने,साथ,बाद,तक,हो,होता,होती,होने,गया,गई,गए,जा,जाता,रहा,रहे,रही,कुछ,सभी,द्वारा"),
    STOP(ZH, "的,了,和,是,在,有,我,他,她,它,们,我们,你,你们,他们,这,那,这个,那个,这些,那些,也,都,就,与,及,或,但,而,"
             "对,从,到,为,以,于,被,把,将,会,能,可以,不,没有,没,很,更,最,上,下,中,一个,一些,一,之,其,等,并,并且,因为,"
             "所以,如果,由,由于,以及,通过,进行,使,使用,该,此,各,每,还,又,再,已,已经,個,們,這,這些,與,對,從,為,於,會,沒有"),
    STOP(JA, "の,に,は,を,た,が,で,て,と,し,れ,さ,ある,いる,も,する,から,な,こと,として,い,や,れる,など,なっ,ない,この,"
             "ため,その,あっ,よう,また,もの,という,あり,まで,られ,なる,へ,か,だ,これ,によって,により,おり,より,による,ず,"
             "なり,られる,において,ば,なかっ,なく,しかし,について,せ,だっ,できる,それ,う,ので,なお,のみ,でき,き,つ,における,"
             "および,いう,さらに,でも,ら,たり,その他,に関する,たち,ます,ん,なら,に対して,特に,です,ました,した,って"),
    STOP(KO, "이,그,저,것,수,등,및,또는,그리고,그러나,하지만,있는,있다,있습니다,없는,없다,하는,한다,합니다,하여,된,되는,"
             "된다,됩니다,대한,위한,위해,통해,따라,때문에,경우,에서,으로,에게,까지,부터,매우,더,가장,모든,이러한,그는,그녀는"),
    STOP(TH, "ที่,การ,และ,ใน,ของ,เป็น,มี,ได้,ว่า,ไม่,จะ,ให้,ความ,กับ,จาก,โดย,นี้,หรือ,ซึ่ง,แต่,ก็,ไป,มา,อยู่,แล้ว,คือ,ต้อง,ถึง,เมื่อ,เพื่อ,"
             "กัน,ยัง,นั้น,อย่าง,ทั้ง,ตาม,เพราะ,อีก,มาก,ๆ,ขึ้น,เขา,เรา,ผู้,คน,ด้วย,กว่า,หนึ่ง,แก่,ต่อ,ไว้,ทำ,ใช้"),
};

const struct dm_ex_table dm_ex_stop_words = { rows, DM_COUNT(rows) };
